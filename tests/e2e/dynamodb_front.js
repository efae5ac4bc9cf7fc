// DynamoDB whose requests are verified: aws4-express (somebody else's verifier of the standard, non-S3 rules) in front
// of dynalite. aws4-express leaves some doors open; the checks before it close them: the body's hash, region and
// service of the scope as the Host says, every x-amz-* header signed, the clock. Other hosts than DynamoDB's get a
// short answer that tells what was verified. Arguments: port. Prints one line when it is ready.
'use strict'
const crypto = require('crypto')
const http = require('http')
const express = require('express')
const dynalite = require('dynalite')
const { AwsSignature } = require('@filen/aws4-express')

const KEYS = {
  AKIADYNALITEEXAMPLE1: { secret: 'dynalite/secret/of/the/e2e/tests/123456X' },
  ASIADYNALITEEXAMPLE2: { secret: 'dynalite/temporary/secret/of/tests/1234X', token: 'dynalite+session/token==' },
}

function refuse (res, code, message) {
  res.status(403).set('x-amzn-errortype', code).type('application/x-amz-json-1.0')
    .send(JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }))
}

// What aws4-express does not look at; undefined when all is well.
function complaint (req) {
  const authorization = req.headers.authorization || ''
  const parts = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(authorization)
  if (!parts) return ['MissingAuthenticationToken', 'no Authorization of the known form']
  for (const once of ['authorization', 'host', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token']) {
    if (req.rawHeaders.filter((n, i) => i % 2 === 0 && n.toLowerCase() === once).length > 1) return ['InvalidSignatureException', `${once} twice`]
  }
  const [, id, day, region, service, signedNames] = parts
  const host = (req.headers.host || '').replace(/:\d+$/, '').split('.')
  const expected = host.includes('execute-api') ? [host[1], host[2]] : [host[0], host[1]]
  if (service !== expected[0] || region !== expected[1]) return ['InvalidSignatureException', `scope ${region}/${service} is not ${expected[1]}/${expected[0]}`]
  const date = req.headers['x-amz-date'] || ''
  const when = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(Date.now() - when) < 300000) || date.slice(0, 8) !== day) return ['InvalidSignatureException', `clock: ${date}`]
  const signed = signedNames.split(';')
  if (signed.join() !== [...signed].sort().join()) return ['InvalidSignatureException', 'SignedHeaders is not sorted']
  for (const name of Object.keys(req.headers)) {
    if ((name.startsWith('x-amz-') || name === 'host' || name === 'content-type') && !signed.includes(name)) return ['InvalidSignatureException', `${name} is not signed`]
  }
  const claimed = req.headers['x-amz-content-sha256']
  if (claimed && claimed !== crypto.createHash('sha256').update(req.rawBody).digest('hex')) return ['InvalidSignatureException', 'x-amz-content-sha256 is not the hash of the body']
  const key = KEYS[id]
  if (!key) return ['UnrecognizedClientException', 'unknown access key id']
  if (key.token !== req.headers['x-amz-security-token']) return ['UnrecognizedClientException', 'session token']
  return undefined
}

function pass (req, res, port) {
  const onward = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers: req.headers }, answer => {
    res.writeHead(answer.statusCode, answer.headers)
    answer.pipe(res)
  })
  onward.on('error', e => refuse(res, 'InternalFailure', String(e)))
  onward.end(req.rawBody)
}

const database = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
database.listen(0, '127.0.0.1', () => {
  const app = express()
  app.disable('x-powered-by')
  app.use((req, res, next) => {
    const pieces = []
    req.on('data', piece => pieces.push(piece))
    req.on('end', () => { req.rawBody = Buffer.concat(pieces); next() })
  })
  app.use((req, res, next) => {
    const wrong = complaint(req)
    if (wrong) return refuse(res, ...wrong)
    // A new verifier for each request: it keeps the message in itself.
    new AwsSignature().verify({
      secretKey: message => KEYS[message.accessKey]?.secret,
      onSignatureMismatch: () => refuse(res, 'InvalidSignatureException', 'The request signature we calculated does not match'),
    })(req, res, next)
  })
  app.use((req, res) => {
    if (req.headers.host.startsWith('dynamodb.')) return pass(req, res, database.address().port)
    res.json({ verified: true, method: req.method, url: req.url, bytes: req.rawBody.length })
  })
  const front = app.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`ready on ${front.address().port}`))
})
