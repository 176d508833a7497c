// The examples of the API reference as they stand there, but for the names in [] below, which the
// test fills in. What goes around them: an answer to check, and an end.
const heard = []
const note = (what) => heard.push(what)
const playAudio = (audio) => note(['audio', audio.byteLength ?? audio.length])
const log = console.log
console.log = (...said) => (said[0] === 'Workflow updated:' ? note(['update', said[1]]) : log(...said))
const audioBuffer = speech()

import { io } from 'socket.io-client'

const socket = io('[wss://app.nuxa.ai]', {
  auth: { token: '[your_token]' }
})

// Join workflow room
socket.emit('workflow:join', { workflowId: '[wf_123]' })

// Listen for updates
socket.on('workflow:update', (data) => {
  console.log('Workflow updated:', data)
})

// Update block
socket.emit('block:update', {
  workflowId: '[wf_123]',
  blockId: '[block_456]',
  changes: { name: 'New Name' }
})

// Start voice session
socket.emit('audio:start', { sessionId: '[sess_123]' })

// Send audio chunk
socket.emit('audio:chunk', {
  sessionId: '[sess_123]',
  data: audioBuffer
})

// Receive response
socket.on('audio:response', (data) => {
  playAudio(data.audio)
})

// A second editor is told what the first did, and the first what the second does.
socket.on('connect_error', (error) => { log('refused', error.message); Deno.exit(1) })
const joined = await socket.emitWithAck('workflow:join', { workflowId: '[wf_123]' })
if (joined.workflow.blocks['[block_456]'].name !== 'New Name') throw new Error('not renamed')
const other = io('[wss://app.nuxa.ai]', { auth: { token: '[your_token]' }, forceNew: true })
await other.emitWithAck('workflow:join', { workflowId: '[wf_123]' })
const answer = await other.emitWithAck('variable:delete', { workflowId: '[wf_123]', variableId: 'v' })
if (!answer.ok) throw new Error(JSON.stringify(answer))
await until(() => heard.some(([kind, data]) => kind === 'update' && data.version === answer.version))
await socket.emitWithAck('audio:end', { sessionId: '[sess_123]' })
await until(() => heard.some(([kind, size]) => kind === 'audio' && size > 0))
log('walked')
socket.close()
other.close()

function speech() {
  const samples = new Int16Array(14400)
  for (let at = 0; at < 12800; at++) samples[at] = 8000 * Math.sin((at * 2 * Math.PI * 300) / 16000)
  return samples.buffer
}

async function until(holds) {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 400) throw new Error('waited in vain; heard ' + JSON.stringify(heard))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
