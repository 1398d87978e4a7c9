// A proxy as it stands before the product in production: it ends TLS, says which scheme was used,
// and leaves the rest, the host's name included, as it is.

import http from "node:http";
import https from "node:https";

const HERE = "127.0.0.1";

function forwardTo(port, scheme) {
  return (request, response) => {
    const headers = {
      ...request.headers,
      "x-forwarded-proto": scheme,
      "x-forwarded-for": request.socket.remoteAddress,
    };
    const options = { host: HERE, port, method: request.method, path: request.url, headers };
    const onward = http.request(options, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  };
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, HERE, () => resolve(server.address().port));
  });
}

/** Listens for both schemes; whoever calls port 80 or 443 of any host in this process gets here. */
export async function stand(web, key, cert) {
  const ports = {
    80: await listen(http.createServer(forwardTo(web, "http"))),
    443: await listen(https.createServer({ key, cert }, forwardTo(web, "https"))),
  };
  for (const { Agent } of [http, https]) {
    const connect = Agent.prototype.createConnection;
    Agent.prototype.createConnection = function (options, ...more) {
      const port = ports[options.port];
      return connect.call(this, port ? { ...options, host: HERE, port } : options, ...more);
    };
  }
}
