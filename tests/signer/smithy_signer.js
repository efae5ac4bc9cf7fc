// Signs what JSON lines on standard input say with @smithy/signature-v4 and -v4a, the signers of AWS's SDK for
// JavaScript (smithy_test.py, sigv4a_test.py). Path and query are those that go onto the wire.
//
// What the caller of those packages has to see to: fields of one name are joined to one (each trimmed); the query is
// taken apart by the SDK's own parser, which gives null for a name without '=', and null is not signed; a body that is
// no string counts as UNSIGNED-PAYLOAD; x-amz-* headers move into the query of a presigned URL, and Cache-Control is
// not signed, unless named.
'use strict'
const crypto = require('crypto')
const { Readable } = require('stream')
const { Hash } = require('@smithy/core/serde')
const { HttpRequest, parseQueryString } = require('@smithy/core/protocols')
const { SignatureV4 } = require('@smithy/signature-v4')
const { SignatureV4a } = require('@smithy/signature-v4a')
const answerLines = require('./json_lines.js')

const sha256 = Hash.bind(null, 'sha256')

const watched = (Base) => class extends Base {
  createCanonicalRequest (...all) {
    this.canonicalRequest = super.createCanonicalRequest(...all)
    return this.canonicalRequest
  }

  async createStringToSign (...all) {
    this.stringToSign = await super.createStringToSign(...all)
    return this.stringToSign
  }
}
const WatchedV4 = watched(SignatureV4)
const WatchedV4a = class extends watched(SignatureV4a) {
  getSignature (privateKey, text) {
    this.privateKey = privateKey
    return super.getSignature(privateKey, text)
  }
}

function headersOf (ask) {
  const spelling = {}
  const headers = {}
  for (const [name, value] of ask.headers) {
    const key = spelling[name.toLowerCase()] ??= name
    const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '')
    headers[key] = key in headers ? headers[key] + ',' + trimmed : trimmed
  }
  return headers
}

function queryOf (text) {
  const query = parseQueryString(text)
  for (const [name, value] of Object.entries(query)) {
    query[name] = Array.isArray(value) ? value.map((v) => v ?? '') : value ?? ''
  }
  return query
}

function requestOf (ask) {
  const unsigned = ask.payload_hash === 'UNSIGNED-PAYLOAD'
  return new HttpRequest({
    method: ask.method,
    path: ask.path,
    query: queryOf(ask.query),
    headers: headersOf(ask),
    body: unsigned ? Readable.from([]) : ask.body
  })
}

function signerOf (ask) {
  const Signer = ask.sigv4a ? WatchedV4a : WatchedV4
  return new Signer({
    credentials: { accessKeyId: ask.access_key_id, secretAccessKey: ask.secret, sessionToken: ask.token || undefined },
    region: ask.region,
    service: ask.service,
    sha256,
    uriEscapePath: ask.path_rule !== 's3',
    applyChecksum: ask.content_sha256_header
  })
}

// X and Y of the key that belongs to this private number.
function publicKey (privateKey) {
  const pair = crypto.createECDH('prime256v1')
  pair.setPrivateKey(privateKey)
  const point = pair.getPublicKey('hex')
  return [point.slice(2, 66), point.slice(66)]
}

// Is our signature one of the text that the package signs, by the key that it derives?
function accepts (signature, text, [x, y]) {
  const base64 = (hex) => Buffer.from(hex, 'hex').toString('base64url')
  const key = crypto.createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: base64(x), y: base64(y) } })
  return crypto.verify('sha256', Buffer.from(text), { key, dsaEncoding: 'der' }, Buffer.from(signature, 'hex'))
}

answerLines(async (ask) => {
  const signer = signerOf(ask)
  const request = requestOf(ask)
  const options = {
    signingDate: answerLines.date(ask.time),
    expiresIn: ask.expires,
    signableHeaders: new Set(['cache-control']),
    unhoistableHeaders: new Set(Object.keys(request.headers).map((name) => name.toLowerCase()))
  }
  const signed = await (ask.presign ? signer.presign(request, options) : signer.sign(request, options))
  const made = {
    signature: ask.presign ? signed.query['X-Amz-Signature'] : signed.headers.authorization.split('Signature=')[1],
    headers: Object.entries(signed.headers),
    canonical_request: signer.canonicalRequest,
    string_to_sign: signer.stringToSign
  }
  if (!ask.sigv4a) return made
  made.public_key = publicKey(signer.privateKey)
  made.accepts_ours = accepts(ask.signature, made.string_to_sign, made.public_key)
  return made
})
