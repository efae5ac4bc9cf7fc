// The SDK for JavaScript uploads by everything that it has for it, with the keys of its environment. Arguments: the
// proxy's port, the bucket, which cases, and sizes. Prints one line of JSON for each object, {key, size, sha256}, then
// "done".
'use strict'
const crypto = require('crypto')
const http = require('http')
const net = require('net')
const { Readable } = require('stream')
const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3')
const { Upload } = require('@aws-sdk/lib-storage')

const [port, bucket, cases, ...sizes] = process.argv.slice(2)
const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']

// Whatever the host is, the connection goes to the proxy, which reads it in Host.
class ToProxy extends http.Agent {
  createConnection () { return net.connect({ host: '127.0.0.1', port, noDelay: true }) }
}

function client (more) {
  return new S3Client({
    region: 'us-east-1',
    endpoint: 'http://s3.us-east-1.amazonaws.com',
    requestHandler: { httpAgent: new ToProxy({ keepAlive: true }) },
    maxAttempts: 1,
    ...more,
  })
}

const usual = client()
const sparing = client({ requestChecksumCalculation: 'WHEN_REQUIRED' })

function pieces (body) {
  const all = []
  for (let at = 0; at < body.length; at += 65536) all.push(body.subarray(at, at + 65536))
  return Readable.from(all, { objectMode: false })
}

const CASES = {
  // Checksums in the head.
  * whole (body) {
    for (const sum of ALGORITHMS) yield [`whole-${sum}`, usual, { Body: body, ChecksumAlgorithm: sum }]
    yield ['whole', usual, { Body: body }]
    yield ['whole-without', sparing, { Body: body }]
  },
  // Checksums in trailers, aws-chunked; without one UNSIGNED-PAYLOAD.
  * stream (body) {
    const ContentLength = body.length
    for (const sum of ALGORITHMS) {
      yield [`stream-${sum}`, usual, { Body: pieces(body), ContentLength, ChecksumAlgorithm: sum }]
    }
    yield ['stream', usual, { Body: pieces(body), ContentLength }]
    yield ['stream-without', sparing, { Body: pieces(body), ContentLength }]
  },
  * library (body) {
    yield ['library', usual, { Body: body }]
    yield ['library-stream', usual, { Body: pieces(body) }]
    yield ['library-stream-SHA256', usual, { Body: pieces(body), ChecksumAlgorithm: 'SHA256' }]
    yield ['library-stream-without', sparing, { Body: pieces(body) }]
  },
}

async function main () {
  for (const size of sizes.map(Number)) {
    const body = crypto.randomBytes(size)
    const sha256 = crypto.createHash('sha256').update(body).digest('hex')
    for (const [name, s3, how] of CASES[cases](body)) {
      const params = { Bucket: bucket, Key: `${name}-${size}`, ...how }
      try {
        if (cases === 'library') await new Upload({ client: s3, params, partSize: 5 << 20 }).done()
        else await s3.send(new PutObjectCommand(params))
      } catch (e) {
        console.log(JSON.stringify({ key: params.Key, error: `${e.name}: ${e.message}` }))
        continue
      }
      console.log(JSON.stringify({ key: params.Key, size, sha256 }))
      await new Promise(resolve => process.stdin.once('data', resolve)) // until the test has looked at it
    }
  }
  console.log('"done"')
  process.exit(0)
}

main()
