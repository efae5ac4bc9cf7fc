// One JSON answer for each JSON line of standard input: the loop of the programs that sign with other people's packages.
'use strict'
const readline = require('readline')

// What `answer` (which may be asynchronous) throws becomes {"error": …}.
module.exports = async function answerLines (answer) {
  for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    let said
    try {
      said = await answer(JSON.parse(line))
    } catch (error) {
      said = { error: String(error.stack || error) }
    }
    process.stdout.write(JSON.stringify(said) + '\n')
  }
}

// 20260101T000000Z
module.exports.date = (text) => new Date(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
