import type { Asked, Http } from './http.ts'
import type * as S from './schema.ts'

type Partly<T> = Partial<T>
export type ExecutionEvent =
  | S.RunStarted | S.RunEnded | S.BlockStarted | S.BlockCompleted | S.BlockError | S.BlockSkipped
  | S.StreamChunk | S.StreamThinking | S.StreamTool | S.StreamDone
export type CopilotEvent =
  | S.StartEvent | S.TextEvent | S.ThinkingEvent | S.ToolEvent | S.CitationEvent
  | S.ArtifactEvent | S.NoticeEvent | S.ErrorEvent | S.DoneEvent
export interface ExecuteRequest {
  input?: unknown
  selectedOutputs?: string[]
  timeoutSeconds?: number
}
export interface Once { idempotencyKey?: string }

const keyed = (once: Once = {}): Record<string, string> =>
  once.idempotencyKey ? { 'Idempotency-Key': once.idempotencyKey } : {}
const id = encodeURIComponent

class Resource {
  constructor(protected readonly http: Http) {}
}

export class Workflows extends Resource {
  list = (query: { search?: string; limit?: number } = {}) =>
    this.http.rows<S.WorkflowSummary>('/api/workflows', query)
  create = (definition: Partly<S.NewWorkflow> & { name: string }, once?: Once) =>
    this.http.send<S.WorkflowAnswer>('POST', '/api/workflows', { json: definition, headers: keyed(once) })
  get = (workflowId: string) => this.http.send<S.WorkflowAnswer>('GET', `/api/workflows/${id(workflowId)}`)
  update = (workflowId: string, changes: Partly<S.WorkflowPatch>) =>
    this.http.send<S.WorkflowAnswer>('PATCH', `/api/workflows/${id(workflowId)}`, { json: changes })
  delete = (workflowId: string) => this.http.send<void>('DELETE', `/api/workflows/${id(workflowId)}`)
  duplicate = (workflowId: string, name?: string) =>
    this.http.send<S.WorkflowAnswer>('POST', `/api/workflows/${id(workflowId)}/duplicate`, { json: name ? { name } : {} })
  validate = (workflowId: string) =>
    this.http.send<S.Validity>('POST', `/api/workflows/${id(workflowId)}/validate`, { json: {}, isRepeatable: true })
  /** Makes it, as it is now or was, the one that keys, webhooks and schedules run. */
  deploy = (workflowId: string, version?: number) =>
    this.http.send<S.WorkflowSummary>('POST', `/api/workflows/${id(workflowId)}/deploy`, { json: version ? { version } : {} })
  withdraw = (workflowId: string) =>
    this.http.send<S.WorkflowSummary>('DELETE', `/api/workflows/${id(workflowId)}/deploy`)
  chat = (workflowId: string) => this.http.send<S.ChatSettings>('GET', `/api/workflows/${id(workflowId)}/chat`)
  /** Lets whoever reads the workspace talk with what is deployed: `copilot.chat` in the mode `workflow-chat`. */
  publishChat = (workflowId: string, settings: Partly<S.ChatBody> = {}) =>
    this.http.send<S.ChatSettings>('PUT', `/api/workflows/${id(workflowId)}/chat`, { json: settings })
  unpublishChat = (workflowId: string) =>
    this.http.send<void>('DELETE', `/api/workflows/${id(workflowId)}/chat`)
  export = (workflowId: string) =>
    this.http.send<S.ExportedWorkflow>('GET', `/api/workflows/${id(workflowId)}/export`)
  /** YAML for Haystack's `Pipeline.loads`. */
  exportHaystack = (workflowId: string) =>
    this.http.raw('GET', `/api/workflows/${id(workflowId)}/haystack`)
  /** Creates one from our own export, Sim's or Dify's; `model` stands in for theirs. */
  import = (definition: Record<string, unknown> | string, given: { name?: string; model?: string } = {}) =>
    this.http.send<S.ImportAnswer>('POST', '/api/workflows/import', { json: { definition, ...given } })
  /** The types of blocks with the JSON Schemas of their settings. */
  blocks = () => this.http.rows<S.BlockType>('/api/blocks')
  /** Workflows to begin with; `import` takes their `workflow`. */
  templates = () => this.http.rows<S.TemplateAnswer>('/api/templates')
  importFile = (file: Blob, name: string, model?: string) => {
    const form = formOf(file, name)
    if (model) form.append('model', model)
    return this.http.send<S.ImportAnswer>('POST', '/api/workflows/import', { form })
  }

  versions = (workflowId: string) => this.http.rows<S.VersionSummary>(this.#versions(workflowId))
  takeVersion = (workflowId: string, name?: string) =>
    this.http.send<S.VersionSummary>('POST', this.#versions(workflowId), { json: name ? { name } : {} })
  version = (workflowId: string, number: number) =>
    this.http.send<S.VersionAnswer>('GET', `${this.#versions(workflowId)}/${number}`)
  /** Says what leads from a version to the draft, or to another version. */
  compare = (workflowId: string, number: number, against?: number) =>
    this.http.send<S.Difference>('GET', `${this.#versions(workflowId)}/${number}/diff`, { query: { against } })
  restore = (workflowId: string, number: number) =>
    this.http.send<S.WorkflowAnswer>('POST', `${this.#versions(workflowId)}/${number}/restore`, { json: {} })

  /** Runs a workflow and waits for its end. */
  execute = (workflowId: string, request: ExecuteRequest = {}, runId?: string) =>
    this.http.send<S.RunAnswer & Partial<S.Paused>>('POST', `/api/workflows/${id(workflowId)}/execute`, run({ input: null, ...request }, runId))
  /** Runs a workflow without waiting for it. */
  start = (workflowId: string, request: ExecuteRequest = {}, runId?: string) =>
    this.http.send<S.Accepted>('POST', `/api/workflows/${id(workflowId)}/execute`, run({ ...request, async: true }, runId))
  /** Runs a workflow and iterates over its events up to its end. */
  stream = (workflowId: string, request: ExecuteRequest = {}, runId?: string) =>
    this.http.events<ExecutionEvent>(
      'POST', `/api/workflows/${id(workflowId)}/execute`, run({ ...request, stream: true }, runId),
      (last) => this.#stream(workflowId, last.executionId))
  executions = (workflowId: string) =>
    this.http.rows<S.ExecutionAnswer>(`/api/workflows/${id(workflowId)}/executions`)
  execution = (workflowId: string, executionId: string) =>
    this.http.send<S.ExecutionAnswer>('GET', `/api/workflows/${id(workflowId)}/executions/${id(executionId)}`)
  cancel = (workflowId: string, executionId: string) =>
    this.http.send<S.ExecutionAnswer>(
      'POST', `/api/workflows/${id(workflowId)}/executions/${id(executionId)}/cancel`, { json: {}, isRepeatable: true })
  /** Answers what a paused run asks, and has it go on. */
  resume = (workflowId: string, executionId: string, answer: S.ResumeBody) =>
    this.http.send<S.Accepted>(
      'POST', `/api/workflows/${id(workflowId)}/executions/${id(executionId)}/resume`, { json: answer, isRepeatable: true })
  /** Iterates over the webhooks that a run has sent. */
  webhooks = (workflowId: string, executionId: string) =>
    this.http.rows<S.SentWebhook>(`/api/workflows/${id(workflowId)}/executions/${id(executionId)}/webhooks`)
  /** Iterates over the events of a run that somebody started, from its first. */
  follow = (workflowId: string, executionId: string) => {
    const path = this.#stream(workflowId, executionId)
    return this.http.events<ExecutionEvent>('GET', path, {}, () => path)
  }

  #versions = (workflowId: string) => `/api/workflows/${id(workflowId)}/versions`
  #stream = (workflowId: string, executionId: string) =>
    `/api/workflows/${id(workflowId)}/executions/${id(executionId)}/stream`
}

const run = (json: unknown, runId?: string): Asked =>
  ({ json, headers: runId ? { 'X-Run-Id': runId } : {} })

export class Schedules extends Resource {
  get = (workflowId: string) => this.http.send<S.ScheduleAnswer>('GET', this.#path(workflowId))
  /** Has a workflow run by itself. */
  set = (workflowId: string, schedule: Partly<S.ScheduleBody> & Pick<S.ScheduleBody, 'cron'>) =>
    this.http.send<S.ScheduleAnswer>('PUT', this.#path(workflowId), { json: schedule })
  delete = (workflowId: string) => this.http.send<void>('DELETE', this.#path(workflowId))
  fires = (workflowId: string) => this.http.rows<S.FireAnswer>(`${this.#path(workflowId)}/fires`)

  #path = (workflowId: string) => `/api/workflows/${id(workflowId)}/schedule`
}

/** Mailboxes whose mails start workflows. */
export class Mail extends Resource {
  get = (workflowId: string) => this.http.send<S.MailAnswer>('GET', this.#path(workflowId))
  /** Has a workflow run for each new mail. */
  set = (workflowId: string, mailbox: Partly<S.MailBody> & Pick<S.MailBody, 'host' | 'username' | 'passwordSecret'>) =>
    this.http.send<S.MailAnswer>('PUT', this.#path(workflowId), { json: mailbox })
  delete = (workflowId: string) => this.http.send<void>('DELETE', this.#path(workflowId))

  #path = (workflowId: string) => `/api/workflows/${id(workflowId)}/mail`
}

export class Webhooks extends Resource {
  /** Sends a workflow's webhook, as somebody else's program does. */
  send = (workflowId: string, event: Record<string, unknown>, headers: Record<string, string> = {}) =>
    this.http.send<S.WebhookAnswer>('POST', `/api/webhooks/${id(workflowId)}`, { json: event, headers })
  get = (workflowId: string) => this.http.send<S.WebhookSettings>('GET', this.#path(workflowId))
  /** Sets who may send it; secrets that are left away stay. */
  set = (workflowId: string, settings: Partly<S.WebhookBody> & Pick<S.WebhookBody, 'auth'>) =>
    this.http.send<S.WebhookSettings>('PUT', this.#path(workflowId), { json: settings })
  delete = (workflowId: string) => this.http.send<void>('DELETE', this.#path(workflowId))
  deliveries = (workflowId: string) => this.http.rows<S.DeliveryAnswer>(`${this.#path(workflowId)}/deliveries`)
  redeliver = (workflowId: string, deliveryId: string, once?: Once) =>
    this.http.send<S.WebhookAccepted>(
      'POST', `${this.#path(workflowId)}/deliveries/${id(deliveryId)}/redeliver`, { json: {}, headers: keyed(once) })

  #path = (workflowId: string) => `/api/workflows/${id(workflowId)}/webhook`
}

export class Copilot extends Resource {
  /** Asks and waits; a question with a `userMessageId` is one turn however often it is sent. */
  chat = (question: Partly<S.AskBody> & { message: string }) =>
    this.http.send<S.ChatAnswer>('POST', '/api/copilot/chat', asking(question))
  /** Asks and iterates over the answer's events as it is written. */
  stream = (question: Partly<S.AskBody> & { message: string }) =>
    this.http.events<CopilotEvent>('POST', '/api/copilot/stream', asking(question),
      (last) => `/api/copilot/streams/${id(last.messageId)}`)
  follow = (messageId: string) => {
    const path = `/api/copilot/streams/${id(messageId)}`
    return this.http.events<CopilotEvent>('GET', path, {}, () => path)
  }
  abort = (messageId: string) =>
    this.http.send<S.AbortAnswer>('POST', `/api/copilot/streams/${id(messageId)}/abort`, { json: {}, isRepeatable: true })
  history = (chatId?: string) => this.http.rows<S.MessageAnswer>('/api/copilot/history', { chatId })
  /** Deletes a chat, or all of them in the workspace. */
  deleteHistory = (chatId?: string) => this.http.send<void>('DELETE', '/api/copilot/history', { query: { chatId } })
  chats = () => this.http.rows<S.ChatRow>('/api/copilot/chats')
  getChat = (chatId: string) => this.http.send<S.ChatRow>('GET', `/api/copilot/chats/${id(chatId)}`)
  updateChat = (chatId: string, changes: Partly<S.ChatPatch>) =>
    this.http.send<S.ChatRow>('PATCH', `/api/copilot/chats/${id(chatId)}`, { json: changes })
  deleteChat = (chatId: string) => this.http.send<void>('DELETE', `/api/copilot/chats/${id(chatId)}`)
  /** Says something to an answer that is being written. */
  steer = (messageId: string, message: string) =>
    this.http.send<S.MessageAnswer>('POST', `/api/copilot/streams/${id(messageId)}/steer`, { json: { message } })
  /** Answers a call that waits for approval. */
  decide = (toolCallId: string, decision: S.OneDecision['decision'], messageId?: string) =>
    this.http.send<S.DecisionsAnswer>('POST', '/api/copilot/approvals',
      { json: { decisions: [{ toolCallId, decision, messageId }] }, isRepeatable: true })
  rate = (messageId: string, rating: S.FeedbackBody['rating'], comment?: string) =>
    this.http.send<S.Feedback>('POST', '/api/copilot/feedback', { json: { messageId, rating, comment } })
  checkpoints = (of: { chatId?: string; workflowId?: string } = {}) =>
    this.http.rows<S.CheckpointAnswer>('/api/copilot/checkpoints', of)
  revert = (checkpointId: string) =>
    this.http.send<S.Reverted>('POST', `/api/copilot/checkpoints/${id(checkpointId)}/revert`, { json: {} })
  agents = () => this.http.rows<S.AgentAnswer>('/api/copilot/agents')
  agent = (agentId: string) => this.http.send<S.AgentAnswer>('GET', `/api/copilot/agents/${id(agentId)}`)
  createAgent = (agent: Partly<S.NewAgent> & { name: string }) =>
    this.http.send<S.AgentAnswer>('POST', '/api/copilot/agents', { json: agent })
  updateAgent = (agentId: string, changes: Partly<S.AgentPatch>) =>
    this.http.send<S.AgentAnswer>('PATCH', `/api/copilot/agents/${id(agentId)}`, { json: changes })
  deleteAgent = (agentId: string) => this.http.send<void>('DELETE', `/api/copilot/agents/${id(agentId)}`)
  /** The models that a question may be put to. */
  models = () => this.http.rows<S.ModelAnswer>('/api/copilot/models')
  /** Makes a share link for anonymous visitors; needs a session with a recent login. */
  shareAgent = (agentId: string, limits: Partly<S.ShareBody> = {}) =>
    this.http.send<S.NewAgentShare>('POST', `/api/copilot/agents/${id(agentId)}/share`, { json: limits })
  unshareAgent = (agentId: string) =>
    this.http.send<void>('DELETE', `/api/copilot/agents/${id(agentId)}/share`)
  tools = () => this.http.send<S.CopilotTool[]>('GET', '/api/copilot/tools')
  /** Runs one of the copilot's tools; with `mode` only one that the mode has. */
  executeTool = (name: string, args: Record<string, unknown>, mode?: string) =>
    this.http.send<S.ToolRunAnswer>('POST', '/api/copilot/tools/execute', { json: { name, arguments: args, mode } })
}

const asking = (question: { userMessageId?: string | null }) =>
  ({ json: question, isRepeatable: Boolean(question.userMessageId) })

/** Agents that are asked by the token of a share link. */
export class SharedAgents extends Resource {
  get = (token: string) => this.http.send<S.SharedAgent>('GET', `/api/agents/${id(token)}`)
  chat = (token: string, question: S.VisitorMessage) =>
    this.http.send<S.VisitorAnswer>('POST', `/api/agents/${id(token)}/chat`, { json: question })
  stream = (token: string, question: S.VisitorMessage) =>
    this.http.events<CopilotEvent>('POST', `/api/agents/${id(token)}/stream`, { json: question },
      (last) => `/api/agents/${id(token)}/streams/${id(last.messageId)}`)
  follow = (token: string, messageId: string) => {
    const path = `/api/agents/${id(token)}/streams/${id(messageId)}`
    return this.http.events<CopilotEvent>('GET', path, {}, () => path)
  }
}

export class Knowledge extends Resource {
  list = () => this.http.rows<S.BaseAnswer>('/api/knowledge')
  create = (base: Partly<S.NewBase> & { name: string }, once?: Once) =>
    this.http.send<S.BaseAnswer>('POST', '/api/knowledge', { json: base, headers: keyed(once) })
  get = (baseId: string) => this.http.send<S.BaseAnswer>('GET', `/api/knowledge/${id(baseId)}`)
  update = (baseId: string, changes: Partly<S.BasePatch>) =>
    this.http.send<S.BaseAnswer>('PATCH', `/api/knowledge/${id(baseId)}`, { json: changes })
  delete = (baseId: string) => this.http.send<void>('DELETE', `/api/knowledge/${id(baseId)}`)
  search = (baseId: string, search: Partly<S.SearchFields> & { query: string }) =>
    this.http.send<S.SearchReply>('POST', `/api/knowledge/${id(baseId)}/search`, { json: search, isRepeatable: true })
  /** Searches several bases of one workspace; each result names its base. */
  searchBases = (search: Partly<S.WideSearchFields> & { knowledgeBaseIds: string[]; query: string }) =>
    this.http.send<S.WideSearchReply>('POST', '/api/knowledge/search', { json: search, isRepeatable: true })
  add = (baseId: string, source: Partly<S.NewDocument>) =>
    this.http.send<S.DocumentAnswer & { duplicateOf?: string }>('POST', `/api/knowledge/${id(baseId)}/documents`, { json: source })
  upload = (baseId: string, file: Blob, name: string, metadata?: Record<string, unknown>) => {
    const form = formOf(file, name)
    if (metadata) form.append('metadata', JSON.stringify(metadata))
    return this.http.send<S.DocumentAnswer & { duplicateOf?: string }>('POST', `/api/knowledge/${id(baseId)}/documents`, { form })
  }
  documents = (baseId: string) => this.http.rows<S.DocumentAnswer>(`/api/knowledge/${id(baseId)}/documents`)
  document = (baseId: string, documentId: string) =>
    this.http.send<S.DocumentAnswer>('GET', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}`)
  /** Returns the answer with the bytes that a document was read from: `.body` streams, `.blob()` reads it whole. */
  documentContent = (baseId: string, documentId: string, range?: ByteRange) =>
    this.http.raw('GET', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/content`, { headers: rangeHeaders(range) })
  deleteDocument = (baseId: string, documentId: string) =>
    this.http.send<void>('DELETE', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}`)
  /** Stops the processing of a document. */
  cancelDocument = (baseId: string, documentId: string) =>
    this.http.send<S.DocumentAnswer>(
      'POST', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/cancel`, { json: {}, isRepeatable: true })
  updateDocument = (baseId: string, documentId: string, changes: Partly<S.DocumentPatch>) =>
    this.http.send<S.DocumentAnswer>(
      'PATCH', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}`, { json: changes })
  /** Iterates over how far a document is, to its end. */
  follow = (baseId: string, documentId: string) => {
    const path = `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/stream`
    return this.http.events<S.DocumentEvent>('GET', path, {}, () => path)
  }
  /** Gives a document another version of its content; its id stays. */
  replaceDocument = (baseId: string, documentId: string, source: Partly<S.NewDocument>) =>
    this.http.send<S.DocumentAnswer>('PUT', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}`, { json: source })
  /** Reads a document again, in another way if so said. */
  reprocessDocument = (baseId: string, documentId: string, reading: Partly<S.Reading> = {}) =>
    this.http.send<S.DocumentAnswer>(
      'POST', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/reprocess`, { json: reading })
  chunks = (baseId: string, documentId: string) =>
    this.http.rows<S.ChunkAnswer>(`/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks`)
  updateChunk = (baseId: string, documentId: string, chunkId: string, changes: Partly<S.ChunkPatch>) =>
    this.http.send<S.ChunkAnswer>(
      'PATCH', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks/${id(chunkId)}`, { json: changes })
  addChunk = (baseId: string, documentId: string, chunk: Partly<S.NewChunk> & { content: string }, once?: Once) =>
    this.http.send<S.ChunkAnswer>(
      'POST', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks`, { json: chunk, headers: keyed(once) })
  deleteChunk = (baseId: string, documentId: string, chunkId: string) =>
    this.http.send<void>('DELETE', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks/${id(chunkId)}`)
  /** Splits a passage at an offset in code points of its content. */
  splitChunk = (baseId: string, documentId: string, chunkId: string, offset: number) =>
    this.http.send<{ data: S.ChunkAnswer[] }>(
      'POST', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks/${id(chunkId)}/split`, { json: { offset } })
  /** Merges passages that follow each other into one, under the id of the first. */
  mergeChunks = (baseId: string, documentId: string, chunkIds: string[]) =>
    this.http.send<S.ChunkAnswer>(
      'POST', `/api/knowledge/${id(baseId)}/documents/${id(documentId)}/chunks/merge`, { json: { chunkIds } })
}

type ByteRange = { start: number; end?: number } // up to, not with, end

const rangeHeaders = (range?: ByteRange): Record<string, string> =>
  range ? { Range: `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}` } : {}

const formOf = (file: Blob, name: string): FormData => {
  const form = new FormData()
  form.append('file', file, name)
  return form
}

export class Files extends Resource {
  list = () => this.http.rows<S.FileAnswer>('/api/files')
  upload = (file: Blob, name: string) =>
    this.http.send<S.FileAnswer>('POST', '/api/files/upload', { form: formOf(file, name) })
  get = (fileId: string) => this.http.send<S.FileAnswer>('GET', `/api/files/${id(fileId)}`)
  rename = (fileId: string, name: string) =>
    this.http.send<S.FileAnswer>('PATCH', `/api/files/${id(fileId)}`, { json: { name } })
  /** Returns the answer: `.body` streams, `.blob()` and `.arrayBuffer()` read it whole. */
  download = (fileId: string, range?: ByteRange) =>
    this.http.raw('GET', `/api/files/${id(fileId)}/download`, { headers: rangeHeaders(range) })
  /** Has a file read; the same reading again is answered with what there is. */
  process = (fileId: string, reading: Partly<S.Processing> = {}) =>
    this.http.send<S.StatusAnswer>(
      'POST', `/api/files/${id(fileId)}/process`, { json: reading, isRepeatable: !reading.force })
  status = (fileId: string) => this.http.send<S.StatusAnswer>('GET', `/api/files/${id(fileId)}/status`)
  /** Iterates over how far the reading of a file is, to its end. */
  follow = (fileId: string) => {
    const path = `/api/files/${id(fileId)}/stream`
    return this.http.events<S.FileEvent>('GET', path, {}, () => path)
  }
  cancelProcessing = (fileId: string) =>
    this.http.send<S.StatusAnswer>('POST', `/api/files/${id(fileId)}/process/cancel`, { json: {} })
  /** Returns a part of a file's text; `nextOffset` is where the next one begins. */
  text = (fileId: string, part: { page?: number; offset?: number; limit?: number } = {}) =>
    this.http.send<S.TextAnswer>('GET', `/api/files/${id(fileId)}/text`, { query: part })
  delete = (fileId: string) => this.http.send<void>('DELETE', `/api/files/${id(fileId)}`)
}

export class Artifacts extends Resource {
  list = (search?: string) => this.http.rows<S.ArtifactAnswer>('/api/artifacts', { search })
  /** Keeps content; only this answer has the `token` and the `url` that show it. */
  create = (artifact: Partly<S.NewArtifact> & Pick<S.NewArtifact, 'type' | 'title'>, once?: Once) =>
    this.http.send<S.NewArtifactAnswer>('POST', '/api/artifacts', { json: artifact, headers: keyed(once) })
  /** Returns the answer with what an artifact's token shows. */
  show = (token: string) => this.http.raw('GET', `/api/artifacts/${id(token)}`)
  revoke = (artifactId: string) => this.http.send<void>('DELETE', `/api/artifacts/${id(artifactId)}`)
}

export class Logs extends Resource {
  list = (filters: Record<string, unknown> = {}) => this.http.rows<S.LogEntry>('/api/logs', filters)
  get = (executionId: string) => this.http.send<S.LogDetail>('GET', `/api/logs/${id(executionId)}`)
  /** Counts runs, how they ended, how long they took and what they cost. */
  stats = (filters: Record<string, unknown> = {}) =>
    this.http.send<S.LogStats>('GET', '/api/logs/stats', { query: filters })
  /** Returns the answer: its body is the file. */
  export = (filters: Record<string, unknown> & { format?: 'jsonl' | 'csv' } = {}) =>
    this.http.raw('GET', '/api/logs/export', { query: filters })
  blocks = (executionId: string) => this.http.rows<S.BlockEntry>(`/api/logs/${id(executionId)}/blocks`)
}

export class Tools extends Resource {
  list = () => this.http.send<S.ToolAnswer[]>('GET', '/api/tools')
  execute = (name: string, params: Record<string, unknown>, once?: Once) =>
    this.http.send<S.ToolResult>('POST', `/api/tools/${id(name)}`, { json: { params }, headers: keyed(once) })
  sendGmail = (mail: Record<string, unknown>) =>
    this.http.send<S.ToolResult>('POST', '/api/tools/gmail/send', { json: mail })
  sendSlackMessage = (message: Record<string, unknown>) =>
    this.http.send<S.ToolResult>('POST', '/api/tools/slack/message', { json: message })
  completeWithOpenai = (prompt: Record<string, unknown>) =>
    this.http.send<S.ToolResult>('POST', '/api/tools/openai/complete', { json: prompt })
  /** MCP servers and OpenAPI documents that tools come from. */
  sources = () => this.http.rows<S.SourceAnswer>('/api/tools/sources')
  createSource = (source: Partly<S.NewSource> & Pick<S.NewSource, 'name' | 'kind'>) =>
    this.http.send<S.SourceAnswer>('POST', '/api/tools/sources', { json: source })
  source = (sourceId: string) => this.http.send<S.SourceAnswer>('GET', `/api/tools/sources/${id(sourceId)}`)
  updateSource = (sourceId: string, changes: Partly<S.SourcePatch>) =>
    this.http.send<S.SourceAnswer>('PATCH', `/api/tools/sources/${id(sourceId)}`, { json: changes })
  /** Asks the source anew what it has. */
  refreshSource = (sourceId: string) =>
    this.http.send<S.SourceAnswer>('POST', `/api/tools/sources/${id(sourceId)}/refresh`)
  deleteSource = (sourceId: string) => this.http.send<void>('DELETE', `/api/tools/sources/${id(sourceId)}`)
}

export class Voice extends Resource {
  config = () => this.http.send<S.VoiceConfigAnswer>('GET', '/api/voice/config')
  /** Changes settings: absent fields stay, `null` clears. */
  update = (changes: Partly<S.VoiceConfigPatch>) =>
    this.http.send<S.VoiceConfigAnswer>('POST', '/api/voice/config', { json: changes })
  /** Begins a session; only this answer has its `token`. */
  create = (session: Partly<S.NewVoiceSession> & Pick<S.NewVoiceSession, 'channel'>, once?: Once) =>
    this.http.send<S.NewVoiceSessionAnswer>('POST', '/api/voice/session', { json: session, headers: keyed(once) })
  sessions = () => this.http.rows<S.VoiceSessionAnswer>('/api/voice/session')
  session = (sessionId: string) => this.http.send<S.VoiceSessionAnswer>('GET', `/api/voice/session/${id(sessionId)}`)
  /** Returns what was said, a WAV file: `.body` streams, `.blob()` reads it whole. */
  recording = (sessionId: string) => this.http.raw('GET', `/api/voice/session/${id(sessionId)}/recording`)
  end = (sessionId: string) => this.http.send<void>('DELETE', `/api/voice/session/${id(sessionId)}`)
}

export class Users extends Resource {
  me = () => this.http.send<S.UsersUserAnswer>('GET', '/api/user')
  /** For clients that sign in by a session. */
  update = (changes: Partly<S.UserPatch>) => this.http.send<S.UsersUserAnswer>('PATCH', '/api/user', { json: changes })
  list = () => this.http.rows<S.MemberAnswer>('/api/users')
}

/** The signed-in person's own account; it needs a session, API keys and tokens of programs are refused. */
export class Account extends Resource {
  invitations = () => this.http.rows<S.OwnInvitation>('/api/invitations')
  acceptInvitation = (by: { token: string } | { invitationId: string }) =>
    this.http.send<S.WorkspaceAnswer>('POST', '/api/invitations/accept', { json: by })
  verifyEmail = (token: string) =>
    this.http.send<S.AuthUserAnswer>('POST', '/api/auth/verify-email', { json: { token } })
  resendVerification = () => this.http.send<S.MailAnswer>('POST', '/api/auth/verify-email/resend', { json: {} })
  changeEmail = (email: string) => this.http.send<S.MailAnswer>('POST', '/api/user/email', { json: { email } })
  confirmEmailChange = (token: string) =>
    this.http.send<S.AuthUserAnswer>('POST', '/api/user/email/confirm', { json: { token } })
  /** Name exactly the workspaces that the account alone owns. */
  delete = (deleteWorkspaces: string[]) => this.http.send<void>('DELETE', '/api/user', { json: { deleteWorkspaces } })
  secondFactor = () => this.http.send<S.FactorState>('GET', '/api/auth/second-factor')
  /** Completes a sign-in that answered `SECOND_FACTOR_REQUIRED`. */
  proveSecondFactor = (challenge: string, code: string) =>
    this.http.send<S.SessionAnswer>('POST', '/api/auth/second-factor', { json: { challenge, code } })
  createTotp = () => this.http.send<S.TotpSecret>('POST', '/api/auth/totp', { json: {} })
  /** The answer alone has the recovery codes. */
  confirmTotp = (code: string) =>
    this.http.send<S.RecoveryCodesAnswer>('POST', '/api/auth/totp/confirm', { json: { code } })
  deleteTotp = () => this.http.send<void>('DELETE', '/api/auth/totp')
  replaceRecoveryCodes = () => this.http.send<S.RecoveryCodesAnswer>('POST', '/api/auth/recovery-codes', { json: {} })
  passkeys = () => this.http.rows<S.PasskeyAnswer>('/api/auth/passkeys')
  passkeyOptions = () => this.http.send<S.PasskeyOptions>('POST', '/api/auth/passkey-options', { json: {} })
  createPasskey = (passkey: S.NewPasskey) =>
    this.http.send<S.PasskeyAnswer>('POST', '/api/auth/passkeys', { json: passkey })
  deletePasskey = (passkeyId: string) => this.http.send<void>('DELETE', `/api/auth/passkeys/${id(passkeyId)}`)
  passkeyLoginOptions = () => this.http.send<S.PasskeyOptions>('POST', '/api/auth/passkey-login/options', { json: {} })
  logInWithPasskey = (signature: S.PasskeySignature) =>
    this.http.send<S.SessionAnswer>('POST', '/api/auth/passkey-login', { json: signature })
}

export class Workspaces extends Resource {
  list = () => this.http.rows<S.WorkspaceAnswer>('/api/workspaces')
  /** For clients that sign in by a session, as is `delete`. */
  create = (name: string) => this.http.send<S.WorkspaceAnswer>('POST', '/api/workspaces', { json: { name } })
  update = (workspaceId: string, changes: Partly<S.WorkspacePatch>) =>
    this.http.send<S.WorkspaceAnswer>('PATCH', `/api/workspaces/${id(workspaceId)}`, { json: changes })
  /** Deletes a workspace with all that is in it. */
  delete = (workspaceId: string) => this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}`)
  get = (workspaceId: string) => this.http.send<S.WorkspaceAnswer>('GET', `/api/workspaces/${id(workspaceId)}`)
  members = (workspaceId: string) =>
    this.http.rows<S.MemberAnswer>(`/api/workspaces/${id(workspaceId)}/members`)
  member = (workspaceId: string, userId: string) =>
    this.http.send<S.MemberAnswer>('GET', `/api/workspaces/${id(workspaceId)}/members/${id(userId)}`)
  addMember = (workspaceId: string, email: string, role: S.NewMember['role']) =>
    this.http.send<S.CreatedInvitation>(
      'POST', `/api/workspaces/${id(workspaceId)}/members`, { json: { email, role } })
  invitations = (workspaceId: string) =>
    this.http.rows<S.InvitationAnswer>(`/api/workspaces/${id(workspaceId)}/invitations`)
  /** Without an address, anyone with the answer's `url` may accept, once. */
  invite = (workspaceId: string, role: S.NewMember['role'], email?: string) =>
    this.http.send<S.CreatedInvitation>(
      'POST', `/api/workspaces/${id(workspaceId)}/invitations`, { json: { role, email: email ?? null } })
  revokeInvitation = (workspaceId: string, invitationId: string) =>
    this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}/invitations/${id(invitationId)}`)
  changeRole = (workspaceId: string, userId: string, role: S.MemberPatch['role']) =>
    this.http.send<S.MemberAnswer>(
      'PATCH', `/api/workspaces/${id(workspaceId)}/members/${id(userId)}`, { json: { role } })
  removeMember = (workspaceId: string, userId: string) =>
    this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}/members/${id(userId)}`)
  audit = (workspaceId: string, filters: Record<string, unknown> = {}) =>
    this.http.rows<S.AuditAnswer>(`/api/workspaces/${id(workspaceId)}/audit`, filters)
  /** What is held, and what was used in a time, else in the last thirty days. */
  usage = (workspaceId: string, span: { from?: string; to?: string } = {}) =>
    this.http.send<S.UsageAnswer>('GET', `/api/workspaces/${id(workspaceId)}/usage`, { query: span })
  modelProviders = (workspaceId: string) =>
    this.http.rows<S.ProviderAnswer>(`/api/workspaces/${id(workspaceId)}/model-providers`)
  putModelProvider = (workspaceId: string, provider: string, apiKey: string) =>
    this.http.send<S.ProviderAnswer>(
      'PUT', `/api/workspaces/${id(workspaceId)}/model-providers/${id(provider)}`, { json: { apiKey } })
  deleteModelProvider = (workspaceId: string, provider: string) =>
    this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}/model-providers/${id(provider)}`)
  /** The names of the secrets; their values are never shown. */
  secrets = (workspaceId: string) =>
    this.http.rows<S.SecretAnswer>(`/api/workspaces/${id(workspaceId)}/secrets`)
  putSecret = (workspaceId: string, name: string, value: string) =>
    this.http.send<void>('PUT', `/api/workspaces/${id(workspaceId)}/secrets/${id(name)}`, { json: { value } })
  deleteSecret = (workspaceId: string, name: string) =>
    this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}/secrets/${id(name)}`)
  subscriptions = (workspaceId: string) =>
    this.http.rows<S.SubscriptionAnswer>(`/api/workspaces/${id(workspaceId)}/subscriptions`)
  /** The answer alone shows the secret that signs the messages. */
  createSubscription = (workspaceId: string, subscription: S.NewSubscription) =>
    this.http.send<S.SubscriptionAnswer>(
      'POST', `/api/workspaces/${id(workspaceId)}/subscriptions`, { json: subscription })
  getSubscription = (workspaceId: string, subscriptionId: string) =>
    this.http.send<S.SubscriptionAnswer>(
      'GET', `/api/workspaces/${id(workspaceId)}/subscriptions/${id(subscriptionId)}`)
  updateSubscription = (workspaceId: string, subscriptionId: string, changes: Partly<S.SubscriptionPatch>) =>
    this.http.send<S.SubscriptionAnswer>(
      'PATCH', `/api/workspaces/${id(workspaceId)}/subscriptions/${id(subscriptionId)}`, { json: changes })
  deleteSubscription = (workspaceId: string, subscriptionId: string) =>
    this.http.send<void>('DELETE', `/api/workspaces/${id(workspaceId)}/subscriptions/${id(subscriptionId)}`)
  eventDeliveries = (workspaceId: string, subscriptionId: string) =>
    this.http.rows<S.EventDeliveryAnswer>(
      `/api/workspaces/${id(workspaceId)}/subscriptions/${id(subscriptionId)}/deliveries`)
  /** Posts an event once more, under its first id. */
  redeliverEvent = (workspaceId: string, subscriptionId: string, deliveryId: string) =>
    this.http.send<S.EventDeliveryAnswer>(
      'POST',
      `/api/workspaces/${id(workspaceId)}/subscriptions/${id(subscriptionId)}/deliveries/${id(deliveryId)}/redeliver`)
}

/** For clients that sign in by a session's bearer token. */
export class Sessions extends Resource {
  list = () => this.http.rows<S.SessionRow>('/api/auth/sessions')
  /** Lets a program in: a code that it exchanges for tokens of its own (PKCE, S256). */
  authorize = (asked: Omit<S.Authorize, 'codeChallengeMethod' | 'scope' | 'state'> & { scope?: string, state?: string }) =>
    this.http.send<S.Authorized>(
      'POST', '/api/auth/authorize', { json: { ...asked, codeChallengeMethod: 'S256' } })
  end = (sessionId: string) => this.http.send<void>('DELETE', `/api/auth/sessions/${id(sessionId)}`)
  /** Proves the password anew: what creates credentials or destroys asks for that. */
  reauthenticate = (password: string) =>
    this.http.send<void>('POST', '/api/auth/reauthenticate', { json: { password } })
  /** The programs that act for the user. */
  grants = () => this.http.rows<S.GrantAnswer>('/api/auth/grants')
  revokeGrant = (grantId: string) => this.http.send<void>('DELETE', `/api/auth/grants/${id(grantId)}`)
  /** Gives tokens for a code, a refresh token or a key; names are RFC 6749's. */
  exchange = (grant: S.TokenRequest) => this.http.send<S.TokenAnswer>('POST', '/api/auth/token', { json: grant })
  /** Makes a token for `auth.token` of one socket handshake. */
  socketToken = () => this.http.send<S.SocketToken>('POST', '/api/auth/socket-token', { json: {} })
}

export class ApiKeys extends Resource {
  list = () => this.http.rows<S.KeyAnswer>('/api/auth/api-keys')
  create = (key: Partly<S.NewKey> & { name: string }) =>
    this.http.send<S.CreatedKey>('POST', '/api/auth/api-keys', { json: key })
  delete = (keyId: string) => this.http.send<void>('DELETE', `/api/auth/api-keys/${id(keyId)}`)
}

/** The versioned API for integrations; it takes API keys only. */
export class V1 extends Resource {
  workflows = (query: { search?: string; limit?: number } = {}) =>
    this.http.rows<S.WorkflowSummary>('/api/v1/workflows', query)
  /** Runs a workflow and waits for its end. */
  execute = (workflowId: string, request: ExecuteRequest = {}, once?: Once) =>
    this.http.send<S.RunAnswer & Partial<S.Paused>>(
      'POST', `/api/v1/workflows/${id(workflowId)}/execute`, { json: { input: null, ...request }, headers: keyed(once) })
  searchBases = (search: Partly<S.WideSearchFields> & { knowledgeBaseIds: string[]; query: string }) =>
    this.http.send<S.WideSearchReply>('POST', '/api/v1/knowledge/search', { json: search, isRepeatable: true })
  execution = (executionId: string) =>
    this.http.send<S.ExecutionAnswer>('GET', `/api/v1/executions/${id(executionId)}`)
}
