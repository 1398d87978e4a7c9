/* The API's documentation: requests that are tried out go in the name of who is signed in, unless
   a key was entered. The token says that this very page asks, and no other. */
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("api-docs");
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (!request.headers.Authorization) {
        request.headers["X-CSRFToken"] = place.dataset.token;
      }
      return request;
    },
  });
});
