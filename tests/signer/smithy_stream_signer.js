// Signs what follows a signed request, in the standard's terms: the chunks and trailers of aws-chunked uploads, and the
// frames of event streams (smithy_chunks_test.py, smithy_events_test.py). One JSON line, one answer.
//
// Who is independent of us here: event frames are AWS's SDK for JavaScript throughout (signMessage, EventStreamCodec).
// No package from npm signs S3's chunks, but the SDK's signEvent() signs the same text when the event has no headers
// (fifth line: H("")). The texts of a trailer, and of all that SigV4A signs, are written here from AWS's page "Signature
// calculations for the authorization header: transferring payload in multiple chunks". SigV4's keys and signatures
// are the SDK's; SigV4A's signatures are verified by the key that the question brings.
'use strict'
const crypto = require('crypto')
const { Hash } = require('@smithy/core/serde')
const { EventStreamCodec, Int64 } = require('@smithy/core/event-streams')
const { SignatureV4 } = require('@smithy/signature-v4')
const answerLines = require('./json_lines.js')

const sha256 = Hash.bind(null, 'sha256')
const hashOf = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex')
const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString('utf8'), (text) => Buffer.from(text, 'utf8'))

const signerOf = (ask) => new SignatureV4({
  credentials: { accessKeyId: ask.access_key_id, secretAccessKey: ask.secret, sessionToken: ask.token || undefined },
  region: ask.region,
  service: ask.service,
  sha256
})

const trailerText = (trailers) => trailers
  .map(([name, value]) => [name.toLowerCase(), value.trim()])
  .sort(([a], [b]) => a < b ? -1 : 1)
  .map(([name, value]) => `${name}:${value}\n`).join('')

async function chunks (ask) {
  const signer = signerOf(ask)
  const signingDate = answerLines.date(ask.time)
  const signatures = []
  let priorSignature = ask.seed
  for (const chunk of ask.chunks) {
    const event = { headers: new Uint8Array(0), payload: Buffer.from(chunk, 'hex') }
    priorSignature = await signer.signEvent(event, { signingDate, priorSignature })
    signatures.push(priorSignature)
  }
  if (ask.trailers.length > 0) {
    const scope = `${ask.time.slice(0, 8)}/${ask.region}/${ask.service}/aws4_request`
    const text = ['AWS4-HMAC-SHA256-TRAILER', ask.time, scope, priorSignature, hashOf(trailerText(ask.trailers))].join('\n')
    signatures.push(await signer.signString(text, { signingDate }))
  }
  return { signatures }
}

// Which of our signatures are those of the texts that the standard wants.
function ecdsaChunks (ask) {
  const key = crypto.createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: Buffer.from(ask.public_key[0], 'hex').toString('base64url'), y: Buffer.from(ask.public_key[1], 'hex').toString('base64url') }
  })
  const scope = `${ask.time.slice(0, 8)}/${ask.service}/aws4_request`
  const texts = ask.chunks.map((chunk) => ['AWS4-ECDSA-P256-SHA256-PAYLOAD', ask.time, scope, '', hashOf(''), hashOf(Buffer.from(chunk, 'hex'))])
  if (ask.trailers.length > 0) texts.push(['AWS4-ECDSA-P256-SHA256-TRAILER', ask.time, scope, '', hashOf(trailerText(ask.trailers))])
  return {
    right: texts.map((text, i) => {
      text[3] = i === 0 ? ask.seed : ask.signatures[i - 1]
      return crypto.verify('sha256', Buffer.from(text.join('\n')), { key, dsaEncoding: 'der' }, Buffer.from(ask.signatures[i], 'hex'))
    })
  }
}

async function wrap (ask) {
  const signer = signerOf(ask)
  const frames = []
  let priorSignature = ask.seed
  for (const frame of ask.frames) {
    const signingDate = answerLines.date(frame.time)
    const headers = { ':date': { type: 'timestamp', value: signingDate } }
    const body = Buffer.from(frame.payload, 'hex')
    priorSignature = (await signer.signMessage({ message: { headers, body }, priorSignature }, { signingDate })).signature
    const signed = { ...headers, ':chunk-signature': { type: 'binary', value: Buffer.from(priorSignature, 'hex') } }
    frames.push(Buffer.from(codec.encode({ headers: signed, body })).toString('hex'))
  }
  return { frames }
}

// A header's value in the SDK's own form; numbers come as texts.
function valueOf (type, said) {
  switch (type) {
    case 'boolean': return said === 'true'
    case 'long': return new Int64(Buffer.from(BigInt.asUintN(64, BigInt(said)).toString(16).padStart(16, '0'), 'hex'))
    case 'timestamp': return new Date(Number(said))
    case 'binary': return Buffer.from(said, 'hex')
    case 'string': case 'uuid': return said
    default: return Number(said)
  }
}

function encode (ask) {
  const headers = {}
  for (const [name, type, said] of ask.headers) headers[name] = { type, value: valueOf(type, said) }
  return { frame: Buffer.from(codec.encode({ headers, body: Buffer.from(ask.payload, 'hex') })).toString('hex') }
}

answerLines(async (ask) => ({ chunks, ecdsa_chunks: ecdsaChunks, wrap, encode })[ask.what](ask))
