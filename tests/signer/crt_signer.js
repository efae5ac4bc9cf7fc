// Signs what JSON lines on standard input say with aws-crt, the binding of AWS's C signer aws-c-auth (crt_test.py,
// sigv4a_test.py). Path and query are those that go onto the wire. The binding does not tell the canonical request;
// with --explain the library logs it to standard error.
'use strict'
const { auth, http, io } = require('aws-crt')
const answerLines = require('./json_lines.js')

if (process.argv.includes('--explain')) io.enable_logging(io.LogLevel.DEBUG)

function requestOf (ask) {
  const target = (ask.path || '/') + (ask.query ? '?' + ask.query : '')
  return new http.HttpRequest(ask.method, target, new http.HttpHeaders(ask.headers))
}

function configOf (ask) {
  return {
    algorithm: ask.sigv4a ? auth.AwsSigningAlgorithm.SigV4Asymmetric : auth.AwsSigningAlgorithm.SigV4,
    signature_type: ask.presign ? auth.AwsSignatureType.HttpRequestViaQueryParams : auth.AwsSignatureType.HttpRequestViaHeaders,
    provider: auth.AwsCredentialsProvider.newStatic(ask.access_key_id, ask.secret, ask.token || undefined),
    region: ask.region,
    service: ask.service,
    date: answerLines.date(ask.time),
    use_double_uri_encode: ['standard', 'encoded_only'].includes(ask.path_rule),
    should_normalize_uri_path: ['standard', 'normalized_only'].includes(ask.path_rule),
    omit_session_token: ask.token_after,
    signed_body_value: ask.payload_hash,
    signed_body_header: ask.content_sha256_header
      ? auth.AwsSignedBodyHeaderType.XAmzContentSha256
      : auth.AwsSignedBodyHeaderType.None,
    expiration_in_seconds: ask.presign ? ask.expires : undefined
  }
}

// Is what we signed a request that the library would have signed too, with a signature of this key?
function accepts (ask) {
  const [x, y] = ask.public_key
  return auth.aws_verify_sigv4a_signing(requestOf(ask), configOf(ask), ask.canonical_request, ask.signature, x, y)
}

answerLines(async (ask) => {
  const signed = await auth.aws_sign_request(requestOf(ask), configOf(ask))
  const headers = [...signed.headers]
  const authorization = headers.find(([name]) => name === 'Authorization')
  return {
    signature: ask.presign ? /X-Amz-Signature=([0-9a-f]+)/.exec(signed.path)[1] : authorization[1].split('Signature=')[1],
    headers,
    target: signed.path,
    accepts_ours: ask.sigv4a ? accepts(ask) : undefined
  }
})
