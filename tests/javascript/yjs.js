// Two documents of npm's yjs in step with each other and with the record, by npm's y-protocols.
import { io } from 'socket.io-client'
import * as Y from 'yjs'
import * as syncProtocol from 'y-protocols/sync'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as encoding from 'lib0/encoding'
import * as decoding from 'lib0/decoding'

const [url, key, workflowId] = Deno.args

class Provider {
  constructor() {
    this.doc = new Y.Doc()
    this.awareness = new awarenessProtocol.Awareness(this.doc)
    this.refusals = []
    this.socket = io(url, { auth: { token: key }, forceNew: true, transports: ['websocket'] })
    this.socket.on('yjs:update', ({ update }) => this.take(new Uint8Array(update)))
    this.doc.on('update', (update, origin) => {
      if (origin === this) return
      this.send(0, (encoder) => syncProtocol.writeUpdate(encoder, update))
    })
    this.awareness.on('update', ({ added, updated, removed }, origin) => {
      if (origin === this) return
      const clients = [...added, ...updated, ...removed]
      this.send(1, (encoder) => encoding.writeVarUint8Array(
        encoder, awarenessProtocol.encodeAwarenessUpdate(this.awareness, clients)))
    })
  }

  async connect() {
    const joined = await this.socket.emitWithAck('workflow:join', { workflowId })
    if (!joined.ok) throw new Error(JSON.stringify(joined))
    await this.send(0, (encoder) => syncProtocol.writeSyncStep1(encoder, this.doc))
  }

  async send(kind, write) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, kind)
    write(encoder)
    const update = encoding.toUint8Array(encoder)
    // An answer lost with the connection: what it was about is sent again by the next sync.
    const answer = await this.socket.emitWithAck('yjs:update', { workflowId, update }).catch(() => ({ ok: true }))
    if (!answer.ok) this.refusals.push(answer.error.code)
  }

  take(message) {
    const decoder = decoding.createDecoder(message)
    if (decoding.readVarUint(decoder) === 1) {
      const update = decoding.readVarUint8Array(decoder)
      awarenessProtocol.applyAwarenessUpdate(this.awareness, update, this)
      return
    }
    const reply = encoding.createEncoder()
    encoding.writeVarUint(reply, 0)
    syncProtocol.readSyncMessage(decoder, reply, this.doc, this)
    if (encoding.length(reply) > 1) {
      this.socket.emit('yjs:update', { workflowId, update: encoding.toUint8Array(reply) })
    }
  }

  json() {
    const parts = ['blocks', 'edges', 'loops', 'parallels', 'variables']
    return Object.fromEntries(parts.map((part) => [part, this.doc.getMap(part).toJSON()]))
  }
}

const one = new Provider()
const two = new Provider()
await one.connect()
await two.connect()
one.awareness.setLocalStateField('user', { name: 'Mia' })
await until(() => [...two.awareness.getStates().values()].some((state) => state.user?.name === 'Mia'))

// Concurrent edits of the same block, of settings, of lists, and offline ones.
for (let n = 0; n < 20; n++) {
  const editor = n % 2 ? one : two
  const block = editor.doc.getMap('blocks').get('t')
  editor.doc.transact(() => {
    block.set('position', { x: n, y: n / 4 })
    block.get('subBlocks').set('template', { id: 'template', type: 'short-input', value: `Hi ${n}` })
    editor.doc.getMap('variables').set(`v${n}`, { id: `v${n}`, name: `n${n}`, type: 'number', value: n })
  })
}
two.socket.disconnect()
two.doc.getMap('variables').set('offline', { id: 'offline', name: 'offline', type: 'any', value: [1, null, true, { a: 'ü' }] })
one.doc.getMap('variables').delete('v3')
two.socket.connect()
await two.connect()
await inStep()
if (one.json().variables.offline?.value[3].a !== 'ü' || two.json().variables.v3) throw new Error('lost')

// What makes no sense comes back as it was.
one.doc.getMap('edges').set('bad', { id: 'bad', source: 's', target: 'gone' })
await until(() => !one.doc.getMap('edges').has('bad'))
if (one.refusals.at(-1) !== 'VALIDATION_ERROR') throw new Error(String(one.refusals))
await inStep()
one.socket.close()
await until(() => ![...two.awareness.getStates().values()].some((state) => state.user?.name === 'Mia'))
console.log('walked')
Deno.exit(0)

async function inStep() {
  let last
  await until(async () => {
    const answer = await fetch(`${url}/api/workflows/${workflowId}`, { headers: { 'x-api-key': key } })
    const record = await answer.json()
    record.edges = Object.fromEntries(record.edges.map((edge) => [edge.id, edge]))
    last = [one, two].map((editor) => Object.entries(editor.json()).map(
      ([part, held]) => [part, sorted(held) === sorted(record[part])]))
    return last.flat().every(([, same]) => same)
  }, () => JSON.stringify([last, one.refusals, two.refusals]))
}

function sorted(value) {
  return JSON.stringify(value, (_, held) => held && typeof held === 'object' && !Array.isArray(held)
    ? Object.fromEntries(Object.entries(held).sort()) : held)
}

async function until(holds, said = () => '') {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 300) throw new Error('waited in vain ' + said())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
