// Walks through the client against a running service; throws where something is not so.
import { NuxaClient, NuxaError } from '@nuxa/sdk'

const [baseUrl, apiKey, token, friend] = Deno.args
const options = { apiKey: apiKey!, baseUrl: baseUrl! }
const client = new NuxaClient(options)

function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: ${a} is not ${b}`)
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

const block = (id: string, type: string, template?: string) => ({
  id, type, name: id,
  subBlocks: template ? { template: { id: 'template', type: 'x', value: template } } : {},
})
const made = await client.workflows.create({
  name: 'hello',
  blocks: { s: block('s', 'start'), t: block('t', 'template', 'Hi <start.message>') },
  edges: [{ id: 'e', source: 's', target: 't' }],
} as never)
await client.workflows.deploy(made.id)

const result = await client.workflows.execute(made.id, {
  input: { message: 'Hello' }
})
same([result.success, result.output], [true, { text: 'Hi Hello' }], 'execute')

const second = await client.workflows.takeVersion(made.id, 'second')
same((await all(client.workflows.versions(made.id))).map((row) => row.number), [2, 1], 'versions')
same((await client.workflows.version(made.id, 2)).name, second.name, 'version')
same((await client.workflows.compare(made.id, 1, 2)).blocks, [], 'difference')
await client.workflows.restore(made.id, 1)
same((await client.workflows.deploy(made.id, 1)).deployedVersion, 1, 'deployed version')
const exported = await client.workflows.export(made.id)
const copy = await client.workflows.import({ ...exported }, { name: 'copy' })
same([copy.workflow.name, copy.warnings], ['copy', []], 'import')
same((await all(client.workflows.templates())).length >= 12, true, 'templates')
const again = await client.workflows.importFile(new Blob([JSON.stringify(exported)]), 'w.json')
same(again.workflow.name, made.name, 'import of a file')
await client.workflows.delete(copy.workflow.id)
await client.workflows.delete(again.workflow.id)

const planned = await client.schedules.set(made.id, { cron: '0 7 * * 1-5', timezone: 'Europe/Berlin' })
same((await client.schedules.get(made.id)).nextFireAt, planned.nextFireAt, 'schedule')
same(await all(client.schedules.fires(made.id)), [], 'fires')
await client.schedules.delete(made.id)

await client.webhooks.set(made.id, { auth: 'none' })
const ran = await client.webhooks.send(made.id, { message: 'Hook' }, { 'webhook-id': 'd-1' })
same([ran.success, ran.executionId.startsWith('exec_')], [true, true], 'webhook')
const [taken] = await all(client.webhooks.deliveries(made.id))
same([taken?.deliveryId, taken?.status], ['d-1', 'completed'], 'delivery')
await client.webhooks.redeliver(made.id, taken!.id)
same((await client.webhooks.get(made.id)).hasSecret, false, 'webhook settings')
await client.webhooks.delete(made.id)
same((await client.logs.stats()).runs >= 2, true, 'statistics')
const lines = (await (await client.logs.export()).text()).trim().split('\n')
same(lines.length >= 2, true, 'export of logs')

// A connection that breaks the first stream after some bytes.
let resumedFrom = ''
let cuts = 0
const cutting = new NuxaClient({
  ...options,
  fetch: async (url, given) => {
    const answer = await fetch(url, given)
    resumedFrom ||= new Headers(given?.headers).get('last-event-id') ?? ''
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
    if (!isStream || cuts++ > 0 || !answer.body) return answer
    const reader = answer.body.getReader()
    const first = await reader.read()
    const body = new ReadableStream({
      start: (at) => at.enqueue(first.value),
      pull: (at) => at.error(new TypeError('cut')),
    })
    return new Response(body, { headers: answer.headers })
  },
})
const events = await all(cutting.workflows.stream(made.id, { input: { message: 'x' } }))
same(events.map((event) => event.eventId), events.map((_, index) => index + 1), 'numbers')
same(events.at(-1)?.type, 'execution:completed', 'last event')
if (!resumedFrom) throw new Error('the stream was never cut')

for (const name of ['a', 'b', 'c']) await client.workflows.create({ name })
const names = (await all(client.workflows.list({ limit: 2 }))).map((row) => row.name)
same(names.sort(), ['a', 'b', 'c', 'hello'], 'pages')

const bytes = new TextEncoder().encode('a line of notes\n'.repeat(10_000))
const file = await client.files.upload(new Blob([bytes]), 'notes.txt')
same([file.name, file.size], ['notes.txt', bytes.length], 'upload')
same((await (await client.files.download(file.id)).arrayBuffer()).byteLength, bytes.length, 'download')
same(await (await client.files.download(file.id, { start: 2, end: 6 })).text(), 'line', 'range')

const queued = await client.files.process(file.id, { ocr: 'off' })
same([queued.status, (await client.files.status(file.id)).status], ['pending', 'pending'], 'process')
same((await client.files.cancelProcessing(file.id)).status, 'cancelled', 'cancel')
same((await client.files.text(file.id).catch((error) => error)).code, 'CONFLICT', 'text')

const shown = await client.artifacts.create({ type: 'markdown', title: 'Report', content: '# Hello' })
same(await (await client.artifacts.show(shown.token)).text(), '# Hello', 'show')
same((await all(client.artifacts.list())).map((row) => row.id), [shown.id], 'artifacts')
await client.artifacts.revoke(shown.id)
same(await all(client.artifacts.list()), [], 'revoked')

const person = new NuxaClient({ token: token!, baseUrl: baseUrl! })
const workspace = made.workspaceId
const codeOf = (error: unknown) => (error as { code: string }).code
same(await person.workspaces.addMember(workspace, friend!, 'read').catch(codeOf), 'FORBIDDEN', 'member')
same(await person.workspaces.invite(workspace, 'read').catch(codeOf), 'FORBIDDEN', 'invite')
same(await all(person.workspaces.invitations(workspace)), [], 'invitations')
same(await person.account.secondFactor().catch(codeOf), 'FORBIDDEN', 'second factor')
same(await person.account.delete([]).catch(codeOf), 'FORBIDDEN', 'delete account')
const roles = (await all(person.workspaces.members(workspace))).map((row) => row.role)
same(roles, ['owner'], 'members')
same(await all(person.workspaces.audit(workspace, { action: 'member.added' })), [], 'audit')
same((await person.workspaces.usage(workspace)).files, 1, 'usage')
same((await person.voice.update({ language: 'en-GB', greeting: 'Hello' })).greeting, 'Hello', 'greeting')
same((await client.voice.config()).language, 'en-GB', 'language')
const silent = await client.voice.create({ channel: 'web', mode: 'none' }).catch((error) => error)
same(silent.code, 'VALIDATION_ERROR', 'voice session')
same(await all(client.voice.sessions()), [], 'voice sessions')

same(await person.workspaces.putModelProvider(workspace, 'mistral', 'mi-1').catch(codeOf), 'FORBIDDEN', 'provider')
same(await all(person.workspaces.modelProviders(workspace)), [], 'providers')
const base = (await all(client.knowledge.list()))[0]!
const document = (await all(client.knowledge.documents(base.id)))[0]!
same((await client.knowledge.updateDocument(base.id, document.id, { metadata: { a: 1 } })).metadata, { a: 1 }, 'metadata')
const chunk = (await all(client.knowledge.chunks(base.id, document.id)))[0]!
same((await client.knowledge.updateChunk(base.id, document.id, chunk.id, { enabled: false })).enabled, false, 'disabled')
await client.knowledge.updateChunk(base.id, document.id, chunk.id, { enabled: true })
const added = await client.knowledge.addChunk(base.id, document.id, { content: 'The pier has a lamp. It is blue.' })
const parts = (await client.knowledge.splitChunk(base.id, document.id, added.id, 20)).data
same(parts.map((part) => part.content), ['The pier has a lamp.', 'It is blue.'], 'split')
const merged = await client.knowledge.mergeChunks(base.id, document.id, parts.map((part) => part.id))
same(merged.origin, 'added', 'merged')
const wide = await client.knowledge.searchBases({ knowledgeBaseIds: [base.id], query: 'blue lamp of the pier' })
same(wide.results[0]!.knowledgeBaseId, base.id, 'searched')
await client.knowledge.deleteChunk(base.id, document.id, merged.id)
const asked = { clientId: 'tool', redirectUri: 'https://tool.example/back', codeChallenge: 'A'.repeat(43) }
same(await person.sessions.authorize({ ...asked, state: 's' }).catch(codeOf), 'FORBIDDEN', 'authorized')
same(await all(person.sessions.list()).catch(codeOf), 'FORBIDDEN', 'sessions')

const turn = await all(client.copilot.stream({ message: 'When is lunch served?' }))
const text = turn.map((event) => (event.type === 'text' ? event.payload.delta : '')).join('')
same((await all(client.copilot.history(turn[0]!.chatId))).at(-1)?.content, text, 'history')

try {
  await client.files.get('file_none')
  throw new Error('no error')
} catch (error) {
  if (!(error instanceof NuxaError) || !error.is('NOT_FOUND')) throw error
  same(error.status, 404, 'status')
}

let calls = 0
const limited = new NuxaClient({
  ...options,
  fetch: (url, given) => {
    const error = { code: 'RATE_LIMITED', message: 'Wait.', details: { reason: 'rate' } }
    return calls++ > 0
      ? fetch(url, given)
      : Promise.resolve(Response.json({ error }, { status: 429, headers: { 'Retry-After': '0' } }))
  },
})
same(typeof (await limited.users.me()).email, 'string', 'retried')
calls = 0
const refused = await limited.tools.execute('t', {}).catch((error) => error)
same([refused.code, calls], ['RATE_LIMITED', 1], 'a write without a key is not retried')
console.log('walked')
