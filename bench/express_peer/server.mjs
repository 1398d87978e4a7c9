// Receives Retell webhooks the way a careful Express service would: check the signature with
// Retell's own library, validate with Joi, keep the raw body and write the call in one
// transaction, and only then answer 204. Database: libpq's PG* variables.
import cluster from 'node:cluster'

import express from 'express'
import Joi from 'joi'
import NodeCache from 'node-cache'
import pg from 'pg'
import Retell from 'retell-sdk'

const port = Number(process.env.PORT)
const workers = Number(process.env.WORKERS ?? 2)
const connectionsPerWorker = Number(process.env.CONNECTIONS ?? 8)

const webhookShape = Joi.object({
  event: Joi.string().max(64).required(),
  call: Joi.object({
    call_id: Joi.string().max(64).required(),
    agent_id: Joi.string().required(),
    start_timestamp: Joi.number().integer(),
    end_timestamp: Joi.number().integer(),
    duration_ms: Joi.number().integer().min(0),
  })
    .unknown(true)
    .required(),
}).unknown(true)

function startWorkers() {
  for (let i = 0; i < workers; i++) cluster.fork()
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill('SIGTERM')
  })
  cluster.on('exit', () => {
    if (Object.keys(cluster.workers).length === 0) process.exit(0)
  })
}

function serve() {
  const pool = new pg.Pool({ max: connectionsPerWorker })
  const clients = new NodeCache({ stdTTL: 30, useClones: false })

  async function findClient(token) {
    const known = clients.get(token)
    if (known) return known
    const found = await pool.query(
      'select schema_name, api_key from bench_peer.client where token = $1',
      [token],
    )
    if (found.rows.length) clients.set(token, found.rows[0])
    return found.rows[0]
  }

  async function keep(schema, event, call, body) {
    const connection = await pool.connect()
    try {
      await connection.query('begin')
      const fresh = await connection.query(
        `insert into ${schema}.webhook (delivery_key, body) values ($1, $2)
         on conflict (delivery_key) do nothing returning id`,
        [`${event}:${call.call_id}`, Buffer.from(body)],
      )
      if (fresh.rowCount === 1) await upsertCall(connection, schema, call)
      await connection.query('commit')
    } catch (error) {
      await connection.query('rollback')
      throw error
    } finally {
      connection.release()
    }
  }

  function upsertCall(connection, schema, call) {
    return connection.query(
      `insert into ${schema}.call (call_id, agent_id, call_status, started_at, ended_at,
         duration_ms, cost_cents, disconnection_reason, transcript, analysis)
       values ($1, $2, $3, to_timestamp($4 / 1000.0), to_timestamp($5 / 1000.0),
         $6, $7, $8, $9, $10)
       on conflict (call_id) do update set call_status = excluded.call_status,
         ended_at = excluded.ended_at, duration_ms = excluded.duration_ms,
         cost_cents = excluded.cost_cents, transcript = excluded.transcript,
         disconnection_reason = excluded.disconnection_reason, analysis = excluded.analysis`,
      [
        call.call_id,
        call.agent_id,
        call.call_status,
        call.start_timestamp,
        call.end_timestamp,
        call.duration_ms,
        call.call_cost?.combined_cost,
        call.disconnection_reason,
        call.transcript,
        JSON.stringify(call.call_analysis ?? null),
      ],
    )
  }

  const app = express()
  app.disable('etag')
  app.disable('x-powered-by')
  app.get('/ready', (_, response) => response.sendStatus(204))
  app.post(
    '/webhooks/:token',
    express.text({ type: () => true, limit: '20mb' }),
    async (request, response) => {
      const client = await findClient(request.params.token)
      const signature = request.get('x-retell-signature') ?? ''
      if (!client || !(await Retell.verify(request.body, client.api_key, signature))) {
        return response.sendStatus(401)
      }
      const { value, error } = webhookShape.validate(JSON.parse(request.body))
      if (error) return response.sendStatus(400)
      await keep(client.schema_name, value.event, value.call, request.body)
      response.sendStatus(204)
    },
  )
  app.use((error, _request, response, _next) => {
    console.error(error.message)
    response.sendStatus(500)
  })
  app.listen(port, '127.0.0.1')
}

if (cluster.isPrimary) startWorkers()
else serve()
