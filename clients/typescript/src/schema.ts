// Made by generate.py from the API's description; do not edit.

export type AbortAnswer = {
  messageId: string;
  status: string;
};

export type Acceptance = {
  token?: string | null;
  invitationId?: string | null;
  workspaceId?: string;
};

export type Accepted = {
  success: true;
  async: true;
  executionId: string;
  statusUrl: string;
};

export type AccountDeletion = {
  deleteWorkspaces: Array<string>;
  workspaceId?: string;
};

export type AgentAnswer = {
  id: string;
  name: string;
  systemPrompt: string;
  model: string | null;
  knowledgeBaseIds: Array<string>;
  tools: Array<string>;
  approvals: "none" | "listed";
  public: boolean;
  share: AgentShare | null;
  createdAt: string;
  updatedAt: string;
};

export type AgentAnswerPage = {
  data: Array<AgentAnswer>;
  nextCursor: string | null;
};

export type AgentPatch = {
  name?: string;
  systemPrompt?: string;
  model?: string | null;
  knowledgeBaseIds?: Array<string>;
  tools?: Array<string>;
  approvals?: "none" | "listed";
  public?: boolean;
  workspaceId?: string;
};

export type AgentShare = {
  createdAt: string;
  expiresAt: string | null;
  messagesPerDay: number;
  messagesPerAddress: number;
};

export type Alive = {
  status: "ok";
};

export type AnswerMessage = {
  role: "assistant";
  content: string | null;
  tool_calls?: Array<ClientToolCall> | null;
  citations: Array<Mark>;
};

export type ArtifactAnswer = {
  id: string;
  type: "markdown" | "html" | "svg" | "png" | "csv" | "json" | "code" | "pdf";
  title: string;
  size: number;
  visibility: "public" | "workspace";
  expiresAt: string | null;
  createdAt: string;
  updatedAt: string;
};

export type ArtifactAnswerPage = {
  data: Array<ArtifactAnswer>;
  nextCursor: string | null;
};

export type ArtifactEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "artifact";
  payload: Record<string, unknown>;
};

export type AskBody = {
  message: string;
  chatId?: string | null;
  mode?: string | null;
  agentId?: string | null;
  workflowId?: string | null;
  knowledgeBaseIds?: Array<string>;
  contexts?: Array<Context>;
  fileIds?: Array<string>;
  model?: string | null;
  userMessageId?: string | null;
  workspaceId?: string;
};

export type AudioFormat = {
  encoding: "pcm16" | "mulaw";
  sampleRate: number;
  channels: 1;
};

export type AuditAnswer = {
  id: string;
  action: string;
  target: string | null;
  details: Record<string, unknown>;
  actorId: string | null;
  actorWay: string;
  credentialId: string | null;
  requestId: string | null;
  address: string | null;
  createdAt: string;
};

export type AuditAnswerPage = {
  data: Array<AuditAnswer>;
  nextCursor: string | null;
};

export type AuthUserAnswer = {
  id: string;
  email: string;
  name: string;
  imageUrl: string | null;
  emailVerified: boolean;
  createdAt: string;
};

export type Authorize = {
  clientId: string;
  redirectUri: string;
  codeChallenge: string;
  codeChallengeMethod: "S256";
  scope?: string | null;
  state?: string | null;
  workspaceId?: string;
};

export type Authorized = {
  code: string;
  redirectTo: string;
  expiresAt: string;
};

export type BaseAnswer = {
  id: string;
  name: string;
  description: string | null;
  workspaceId: string;
  language: string;
  embeddingModel: string;
  embeddingDimensions: number;
  chunking: Record<string, unknown>;
  documentCount: number;
  chunkCount: number;
  tokenCount: number;
  reembedding: ReembeddingAnswer | null;
  rechunking: RechunkingAnswer | null;
  createdAt: string;
  updatedAt: string;
};

export type BaseAnswerPage = {
  data: Array<BaseAnswer>;
  nextCursor: string | null;
};

export type BasePatch = {
  name?: string;
  description?: string | null;
  embeddingModel?: string;
  chunking?: Chunking | null;
  workspaceId?: string;
};

export type Begun = {
  mode?: string | null;
  model: string | null;
};

export type BlockBegan = {
  blockId: string;
  blockName: string;
  blockType: string;
  executionOrder: number;
  iteration?: string | null;
  input: JsonValue;
};

export type BlockCompleted = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "block:completed";
  data: BlockDone;
};

export type BlockDone = {
  blockId: string;
  blockName: string;
  blockType: string;
  executionOrder: number;
  iteration?: string | null;
  input: JsonValue;
  output: JsonValue;
  durationMs: number;
};

export type BlockEntry = {
  id: string;
  blockId: string;
  blockName: string;
  blockType: string;
  executionOrder: number;
  iteration: string | null;
  attempt: number;
  status: string;
  startedAt: string;
  endedAt: string;
  durationMs: number;
  inputData: JsonValue;
  outputData: JsonValue;
  errorMessage: string | null;
  usage: Record<string, unknown> | null;
  cost: number | null;
};

export type BlockEntryPage = {
  data: Array<BlockEntry>;
  nextCursor: string | null;
};

export type BlockError = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "block:error";
  data: BlockFailure;
};

export type BlockFailure = {
  blockId: string;
  blockName: string;
  blockType: string;
  executionOrder: number;
  iteration?: string | null;
  input: JsonValue;
  output: JsonValue;
  durationMs: number;
  error: string | null;
};

export type BlockHead = {
  blockId: string;
  blockName: string;
  blockType: string;
  executionOrder: number;
  iteration?: string | null;
};

export type BlockSkipped = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "block:skipped";
  data: BlockHead;
};

export type BlockStarted = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "block:started";
  data: BlockBegan;
};

export type BlockType = {
  type: string;
  name: string;
  description: string;
  settings: Record<string, unknown>;
  outputs: Record<string, string>;
  openOutputs: boolean;
};

export type BlockTypePage = {
  data: Array<BlockType>;
  nextCursor: string | null;
};

export type CalledFunction = {
  name: string;
  arguments: string;
};

export type ChatAnswer = {
  chatId: string;
  messageId: string;
  content: string;
  citations: Array<Citation>;
  toolCalls: Array<CopilotToolUse>;
  artifacts: Array<Record<string, unknown>>;
  usage: Usage | null;
  model: string | null;
  notice: Notice | null;
};

export type ChatBody = {
  greeting?: string | null;
  memoryMessages?: number;
  workspaceId?: string;
};

export type ChatChunk = {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: Array<ChunkChoice>;
  usage?: TokenUsage | null;
};

export type ChatCompletion = {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: Array<Choice>;
  usage: TokenUsage;
};

export type ChatMessage = {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  content?: string | Array<TextPart | ImagePart> | null;
  name?: string | null;
  tool_calls?: Array<EarlierToolCall> | null;
  tool_call_id?: string | null;
};

export type ChatPatch = {
  title?: string;
  workspaceId?: string;
};

export type ChatRow = {
  id: string;
  title: string;
  mode: string;
  workflowId: string | null;
  agentId: string | null;
  createdAt: string;
  updatedAt: string;
};

export type ChatRowPage = {
  data: Array<ChatRow>;
  nextCursor: string | null;
};

export type ChatSettings = {
  greeting: string | null;
  memoryMessages: number;
  workflowId: string;
  createdAt: string;
  updatedAt: string;
};

export type CheckpointAnswer = {
  id: string;
  workflowId: string;
  chatId: string | null;
  messageId: string | null;
  version: number;
  revertedAt: string | null;
  createdAt: string;
};

export type CheckpointAnswerPage = {
  data: Array<CheckpointAnswer>;
  nextCursor: string | null;
};

export type Choice = {
  index: number;
  message: AnswerMessage;
  finish_reason: string;
};

export type Chunk = {
  blockId: string;
  chunk: string;
};

export type ChunkAnswer = {
  id: string;
  index: number;
  content: string;
  tokenCount: number;
  page: number | null;
  bbox: Array<number> | null;
  headingPath: Array<string>;
  startOffset: number | null;
  endOffset: number | null;
  origin: "document" | "edited" | "added";
  metadata: Record<string, unknown>;
  enabled: boolean;
};

export type ChunkAnswerPage = {
  data: Array<ChunkAnswer>;
  nextCursor: string | null;
};

export type ChunkChoice = {
  index: number;
  delta: ChunkDelta;
  finish_reason: string | null;
};

export type ChunkDelta = {
  role?: "assistant" | null;
  content?: string | null;
  tool_calls?: Array<ToolCallDelta> | null;
  citations?: Array<Mark> | null;
};

export type ChunkMerge = {
  chunkIds: Array<string>;
  workspaceId?: string;
};

export type ChunkPatch = {
  content?: string;
  enabled?: boolean;
  workspaceId?: string;
};

export type ChunkSplit = {
  offset: number;
  workspaceId?: string;
};

export type Chunking = {
  strategy?: "auto" | "title" | "recursive" | "page" | "table";
  maxTokens?: number;
  overlapTokens?: number;
  parentTokens?: number | null;
};

export type ChunksDone = {
  blockId: string;
};

export type Citation = {
  n: number;
  documentId: string;
  documentName: string;
  chunkId: string;
  page: number | null;
  bbox: Array<number> | null;
  quote: string;
  startOffset: number | null;
  endOffset: number | null;
  edited?: boolean | null;
};

export type CitationEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "citation";
  payload: Citation;
};

export type ClientTool = {
  type: "function";
  function: FunctionSpec;
};

export type ClientToolCall = {
  id: string;
  type: "function";
  function: CalledFunction;
};

export type CollapsedResult = {
  id: string;
  documentId: string;
  documentName: string;
  content: string;
  score: number;
  scores: ScoreParts;
  chunkIndex: number;
  metadata: Record<string, unknown>;
  highlights: Array<string>;
  citation: Place;
  duplicates: Array<DuplicateResult>;
};

export type Completion = {
  model: string;
  messages?: Array<Record<string, JsonValue>> | null;
  prompt?: string | null;
  temperature?: number | null;
  maxTokens?: number | null;
  workspaceId?: string;
};

export type CompletionRequest = {
  model: string;
  messages: Array<ChatMessage>;
  stream?: boolean;
  stream_options?: StreamOptions | null;
  temperature?: number | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  response_format?: Record<string, JsonValue> | null;
  n?: 1 | null;
  top_p?: number | null;
  stop?: string | Array<string> | null;
  seed?: number | null;
  presence_penalty?: number | null;
  frequency_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  top_logprobs?: number | null;
  reasoning_effort?: string | null;
  service_tier?: string | null;
  verbosity?: string | null;
  store?: boolean | null;
  metadata?: Record<string, string> | null;
  user?: string | null;
  safety_identifier?: string | null;
  prompt_cache_key?: string | null;
  tools?: Array<ClientTool> | null;
  tool_choice?: "none" | "auto" | "required" | NamedToolChoice | null;
  parallel_tool_calls?: boolean | null;
  knowledgeBaseIds?: Array<string> | null;
  workspaceId?: string;
};

export type Context = {
  kind: "knowledge" | "workflow" | "execution" | "file";
  id: string;
};

export type CopilotFailure = {
  code: string;
  message: string;
};

export type CopilotTool = {
  name: string;
  description: string;
  parameters: Record<string, JsonValue>;
  readOnly: boolean;
  requiresApproval: boolean;
  role: string;
  modes: Array<string>;
};

export type CopilotToolUse = {
  toolCallId: string;
  name: string;
  arguments: JsonValue;
  status: string;
  output: JsonValue;
};

export type CreatedInvitation = {
  id: string;
  workspaceId: string;
  email: string | null;
  role: string;
  invitedBy: string;
  expiresAt: string;
  createdAt: string;
  token: string;
  url: string;
};

export type CreatedKey = {
  id: string;
  name: string;
  preview: string;
  scopes: Array<string>;
  workspaceId: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
  key: string;
};

export type DailyAnswer = {
  hasWebhookSecret: boolean;
  webhookUrl: string;
};

export type DailyPatch = {
  webhookSecret?: string | null;
};

export type DayTotals = {
  runs: number;
  byStatus: Record<string, number>;
  successRate: number | null;
  durationMs: Durations;
  tokens: Tokens;
  cost: number;
  day: string;
};

export type DayUsage = {
  date: string;
  executions: number;
  messages: number;
  tokens: Tokens;
  cost: number;
};

export type Decided = {
  toolCallId: string;
  messageId: string;
  name: string;
  decision: "allow" | "allowForChat" | "skip";
};

export type Decisions = {
  decisions: Array<OneDecision>;
  workspaceId?: string;
};

export type DecisionsAnswer = {
  decisions: Array<Decided>;
};

export type DeliveryAnswer = {
  id: string;
  deliveryId: string | null;
  executionId: string;
  status: string | null;
  event: string | null;
  method: string;
  address: string;
  redeliveryOf: string | null;
  createdAt: string;
};

export type DeliveryAnswerPage = {
  data: Array<DeliveryAnswer>;
  nextCursor: string | null;
};

export type Delta = {
  delta: string;
};

export type DeployBody = {
  version?: number | null;
  workspaceId?: string;
};

export type Difference = {
  blocks: Array<PartDifference>;
  edges: Array<PartDifference>;
  loops: Array<PartDifference>;
  parallels: Array<PartDifference>;
  variables: Array<PartDifference>;
};

export type DocumentAnswer = {
  id: string;
  knowledgeBaseId: string;
  fileId: string | null;
  sourceUrl: string | null;
  name: string;
  size: number;
  mimeType: string;
  checksum: string;
  metadata: Record<string, unknown>;
  enabled: boolean;
  status: string;
  stage: string | null;
  progress: number;
  pagesDone: number;
  pagesTotal: number | null;
  secondsLeft: number | null;
  chunkCount: number;
  tokenCount: number;
  attempts: number;
  quality: Record<string, unknown> | null;
  error: Record<string, unknown> | null;
  rechunkError?: Record<string, unknown> | null;
  createdAt: string;
  updatedAt: string;
  startedAt: string | null;
  endedAt: string | null;
};

export type DocumentAnswerPage = {
  data: Array<DocumentAnswer>;
  nextCursor: string | null;
};

export type DocumentEvent = {
  type: "document:progress" | "document:completed" | "document:failed" | "document:cancelled" | "document:deleted";
  data: DocumentAnswer | null;
};

export type DocumentPatch = {
  name?: string;
  enabled?: boolean;
  metadata?: Record<string, unknown>;
  workspaceId?: string;
};

export type DoneEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "done";
  payload: Finished;
};

export type DuplicateAnswer = {
  id: string;
  knowledgeBaseId: string;
  fileId: string | null;
  sourceUrl: string | null;
  name: string;
  size: number;
  mimeType: string;
  checksum: string;
  metadata: Record<string, unknown>;
  enabled: boolean;
  status: string;
  stage: string | null;
  progress: number;
  pagesDone: number;
  pagesTotal: number | null;
  secondsLeft: number | null;
  chunkCount: number;
  tokenCount: number;
  attempts: number;
  quality: Record<string, unknown> | null;
  error: Record<string, unknown> | null;
  rechunkError?: Record<string, unknown> | null;
  createdAt: string;
  updatedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  duplicateOf: string;
};

export type DuplicateBody = {
  name?: string | null;
  workspaceId?: string;
};

export type DuplicateResult = {
  id: string;
  documentId: string;
  documentName: string;
};

export type Durations = {
  average: number | null;
  p50: number | null;
  p95: number | null;
  longest: number | null;
};

export type EarlierFunction = {
  name: string;
  arguments: string;
};

export type EarlierToolCall = {
  id: string;
  type?: "function";
  function: EarlierFunction;
};

export type EmailChange = {
  email: string;
  workspaceId?: string;
};

export type EmailToken = {
  token: string;
  workspaceId?: string;
};

export type Embedding = {
  object: "embedding";
  index: number;
  embedding: Array<number> | string;
};

export type EmbeddingRequest = {
  input: string | Array<string>;
  model: string;
  encoding_format?: "float" | "base64";
  user?: string | null;
  workspaceId?: string;
};

export type EmbeddingUsage = {
  prompt_tokens: number;
  total_tokens: number;
};

export type Embeddings = {
  object: "list";
  data: Array<Embedding>;
  model: string;
  usage: EmbeddingUsage;
};

export type Ended = {
  success: boolean;
  output: JsonValue;
  duration: number;
  startTime: string | null;
  endTime: string | null;
  error?: Record<string, unknown> | null;
};

export type ErrorAnswer = {
  error: ErrorBody;
};

export type ErrorBody = {
  code: string;
  message: string;
  details: Record<string, unknown>;
};

export type ErrorEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "error";
  payload: CopilotFailure;
};

export type EventAttempt = {
  at: string;
  status: number | null;
  error: string | null;
  durationMs: number;
};

export type EventDeliveryAnswer = {
  id: string;
  event: "execution.completed" | "execution.failed" | "execution.paused" | "document.completed" | "document.failed" | "chat.turn.completed" | "chat.turn.failed" | "chat.turn.aborted" | "approval.requested";
  data: Record<string, JsonValue>;
  status: "pending" | "delivered" | "failed";
  attempts: Array<EventAttempt>;
  nextAttemptAt: string | null;
  createdAt: string;
};

export type EventDeliveryAnswerPage = {
  data: Array<EventDeliveryAnswer>;
  nextCursor: string | null;
};

export type EventTaken = {
  received: true;
  repeated: boolean;
};

export type ExecuteBody = {
  input?: JsonValue;
  stream?: boolean;
  async?: boolean;
  selectedOutputs?: Array<string>;
  timeoutSeconds?: number | null;
  useDraft?: boolean | null;
  startBlockId?: string | null;
  stopAfterBlockId?: string | null;
  fromExecutionId?: string | null;
  workspaceId?: string;
} | Record<string, unknown>;

export type ExecutionAnswer = {
  id: string;
  workflowId: string;
  version: number | null;
  status: string;
  trigger: string;
  input: JsonValue;
  output: JsonValue;
  error: Record<string, unknown> | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  cost: number | null;
  usage: Record<string, unknown> | null;
  pause?: Paused | null;
};

export type ExecutionAnswerPage = {
  data: Array<ExecutionAnswer>;
  nextCursor: string | null;
};

export type ExportedWorkflow = {
  format: "nuxa";
  formatVersion: 1;
  name: string;
  description: string | null;
  blocks: Record<string, unknown>;
  edges: Array<unknown>;
  loops: Record<string, unknown>;
  parallels: Record<string, unknown>;
  variables: Record<string, unknown>;
};

export type FactorState = {
  totpEnabled: boolean;
  recoveryCodesLeft: number;
};

export type Feedback = {
  messageId: string;
  rating: "up" | "down" | null;
  comment: string | null;
};

export type FeedbackBody = {
  messageId: string;
  rating: "up" | "down" | null;
  comment?: string | null;
  workspaceId?: string;
};

export type FieldDifference = {
  path: string;
  before: JsonValue;
  after: JsonValue;
};

export type FileAnswer = {
  id: string;
  name: string;
  size: number;
  mimeType: string;
  checksum: string;
  status: string;
  createdAt: string;
  updatedAt: string;
};

export type FileAnswerPage = {
  data: Array<FileAnswer>;
  nextCursor: string | null;
};

export type FileEvent = {
  type: "file:progress" | "file:completed" | "file:failed" | "file:cancelled" | "file:deleted";
  data: StatusAnswer | null;
};

export type FilePatch = {
  name?: string;
  workspaceId?: string;
};

export type Finished = {
  status: "completed" | "failed" | "aborted";
  usage: Usage | null;
  cost: number | null;
};

export type FireAnswer = {
  fireAt: string;
  status: string;
  executionId: string | null;
  error: Record<string, unknown> | null;
};

export type FireAnswerPage = {
  data: Array<FireAnswer>;
  nextCursor: string | null;
};

export type FunctionName = {
  name: string;
};

export type FunctionSpec = {
  name: string;
  description?: string;
  parameters?: Record<string, JsonValue>;
  strict?: boolean | null;
};

export type GmailMessage = {
  to: Array<string>;
  cc?: Array<string>;
  bcc?: Array<string>;
  subject?: string;
  body?: string;
  contentType?: "text/plain" | "text/html" | "text" | "html";
  attachments?: Array<MailAttachment>;
  threadId?: string | null;
  workspaceId?: string;
};

export type GrantAnswer = {
  id: string;
  clientId: string;
  scope: string;
  createdAt: string;
};

export type GrantAnswerPage = {
  data: Array<GrantAnswer>;
  nextCursor: string | null;
};

export type ImagePart = {
  type: "image_url";
  image_url: ImageUrl;
};

export type ImageUrl = {
  url: string;
  detail?: "auto" | "low" | "high" | null;
};

export type ImportAnswer = {
  workflow: WorkflowAnswer;
  warnings: Array<string>;
};

export type ImportBody = {
  definition: Record<string, JsonValue> | string;
  name?: string | null;
  model?: string | null;
  workspaceId?: string;
};

export type InvitationAnswer = {
  id: string;
  workspaceId: string;
  email: string | null;
  role: string;
  invitedBy: string;
  expiresAt: string;
  createdAt: string;
};

export type InvitationAnswerPage = {
  data: Array<InvitationAnswer>;
  nextCursor: string | null;
};

export type Issue = {
  path: string;
  message: string;
  code: string;
};

export type JsonValue = unknown;

export type KeyAnswer = {
  id: string;
  name: string;
  preview: string;
  scopes: Array<string>;
  workspaceId: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdAt: string;
};

export type KeyAnswerPage = {
  data: Array<KeyAnswer>;
  nextCursor: string | null;
};

export type Line = {
  role: "user" | "assistant";
  text: string;
  at: string;
  interrupted: boolean;
  latencyMs: Record<string, number>;
};

export type LogDetail = {
  id: string;
  workflowId: string;
  version: number | null;
  status: string;
  trigger: string;
  input: JsonValue;
  output: JsonValue;
  error: Record<string, unknown> | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  cost: number | null;
  usage: Record<string, unknown> | null;
  traceSpans: Array<TraceSpan>;
  definition: Record<string, unknown>;
};

export type LogEntry = {
  id: string;
  workflowId: string;
  version: number | null;
  status: string;
  trigger: string;
  input: JsonValue;
  output: JsonValue;
  error: Record<string, unknown> | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  cost: number | null;
  usage: Record<string, unknown> | null;
};

export type LogEntryPage = {
  data: Array<LogEntry>;
  nextCursor: string | null;
};

export type LogStats = {
  runs: number;
  byStatus: Record<string, number>;
  successRate: number | null;
  durationMs: Durations;
  tokens: Tokens;
  cost: number;
  since: string;
  until: string;
  byTrigger: Record<string, number>;
  byDay: Array<DayTotals>;
  byWorkflow: Array<WorkflowTotals>;
};

export type Login = {
  email: string;
  password: string;
};

export type MailAnswer = {
  workflowId: string;
  host: string;
  port: number;
  username: string;
  passwordSecret: string;
  folder: string;
  intervalSeconds: number;
  enabled: boolean;
  polledAt: string | null;
  error: Record<string, unknown> | null;
  createdAt: string;
  updatedAt: string;
};

export type MailAttachment = {
  fileId?: string | null;
  name?: string;
  content?: string | null;
  mimeType?: string;
};

export type MailBody = {
  host: string;
  port?: number;
  username: string;
  passwordSecret: string;
  folder?: string;
  intervalSeconds?: number;
  enabled?: boolean;
  workspaceId?: string;
};

export type Mark = {
  n: number;
  documentId: string;
  documentName: string;
  chunkId: string;
  page: number | null;
  bbox: Array<number> | null;
  quote: string;
  startOffset: number | null;
  endOffset: number | null;
  edited?: boolean | null;
};

export type MemberAnswer = {
  id: string;
  email: string;
  name: string;
  imageUrl: string | null;
  role: string;
  joinedAt: string;
};

export type MemberAnswerPage = {
  data: Array<MemberAnswer>;
  nextCursor: string | null;
};

export type MemberPatch = {
  role: "owner" | "admin" | "write" | "read";
  workspaceId?: string;
};

export type MessageAnswer = {
  id: string;
  chatId: string;
  role: string;
  content: string;
  status: string;
  citations: Array<Citation>;
  toolCalls: Array<CopilotToolUse>;
  artifacts: Array<Record<string, unknown>>;
  usage: Usage | null;
  cost: number | null;
  model: string | null;
  notice: Notice | null;
  error: CopilotFailure | null;
  userMessageId: string | null;
  feedback: Record<string, unknown> | null;
  createdAt: string;
};

export type MessageAnswerPage = {
  data: Array<MessageAnswer>;
  nextCursor: string | null;
};

export type Model = {
  id: string;
  object: "model";
  created: number;
  owned_by: string;
};

export type ModelAnswer = {
  id: string;
  isDefault: boolean;
  isOffline: boolean;
  provider: string | null;
};

export type ModelAnswerPage = {
  data: Array<ModelAnswer>;
  nextCursor: string | null;
};

export type Models = {
  object: "list";
  data: Array<Model>;
};

export type NamedToolChoice = {
  type: "function";
  function: FunctionName;
};

export type NewAgent = {
  name: string;
  systemPrompt?: string;
  model?: string | null;
  knowledgeBaseIds?: Array<string>;
  tools?: Array<string>;
  approvals?: "none" | "listed";
  public?: boolean;
  workspaceId?: string;
};

export type NewAgentShare = {
  createdAt: string;
  expiresAt: string | null;
  messagesPerDay: number;
  messagesPerAddress: number;
  token: string;
  url: string;
  tools: Array<string>;
};

export type NewArtifact = {
  type: "markdown" | "html" | "svg" | "png" | "csv" | "json" | "code" | "pdf";
  title: string;
  content?: string | null;
  fileId?: string | null;
  expiresAt?: string | null;
  visibility?: "public" | "workspace";
  workspaceId?: string;
};

export type NewArtifactAnswer = {
  id: string;
  type: "markdown" | "html" | "svg" | "png" | "csv" | "json" | "code" | "pdf";
  title: string;
  size: number;
  visibility: "public" | "workspace";
  expiresAt: string | null;
  createdAt: string;
  updatedAt: string;
  token: string;
  url: string;
};

export type NewBase = {
  name: string;
  description?: string | null;
  language?: string;
  embeddingModel?: string | null;
  chunking?: Chunking | null;
  workspaceId?: string;
};

export type NewChunk = {
  content: string;
  index?: number | null;
  page?: number | null;
  headingPath?: Array<string>;
  enabled?: boolean;
  workspaceId?: string;
};

export type NewDocument = {
  ocr?: "auto" | "force" | "off" | null;
  languages?: Array<string> | null;
  fileId?: string | null;
  text?: string | null;
  url?: string | null;
  name?: string | null;
  metadata?: Record<string, unknown>;
  workspaceId?: string;
};

export type NewInvitation = {
  email?: string | null;
  role: "owner" | "admin" | "write" | "read";
  workspaceId?: string;
};

export type NewKey = {
  name: string;
  scopes?: Array<string>;
  expiresAt?: string | null;
  workspaceId?: string;
};

export type NewMember = {
  email?: string | null;
  userId?: string | null;
  role: "owner" | "admin" | "write" | "read";
  workspaceId?: string;
};

export type NewPasskey = {
  name: string;
  challengeId: string;
  credential: Record<string, unknown>;
  workspaceId?: string;
};

export type NewProvider = {
  apiKey: string;
  workspaceId?: string;
};

export type NewSecret = {
  value: string;
  workspaceId?: string;
};

export type NewSource = {
  name: string;
  kind: "mcp" | "openapi";
  url?: string | null;
  document?: string | null;
  serverUrl?: string | null;
  headers?: Record<string, unknown>;
  trustReadOnly?: boolean;
  workspaceId?: string;
};

export type NewSubscription = {
  url: string;
  events: Array<"execution.completed" | "execution.failed" | "execution.paused" | "document.completed" | "document.failed" | "chat.turn.completed" | "chat.turn.failed" | "chat.turn.aborted" | "approval.requested">;
  secret?: string | null;
  enabled?: boolean;
  workspaceId?: string;
};

export type NewVersion = {
  name?: string | null;
  workspaceId?: string;
};

export type NewVoiceSession = {
  channel: "web" | "twilio" | "daily";
  workflowId?: string | null;
  mode?: string | null;
  room?: string | null;
  workspaceId?: string;
};

export type NewVoiceSessionAnswer = {
  id: string;
  token: string;
  status: "waiting";
  channel: "web" | "twilio" | "daily";
  expiresAt: string;
  format: AudioFormat;
  recorded: boolean;
};

export type NewWorkflow = {
  blocks?: Record<string, Record<string, JsonValue>>;
  edges?: Array<Record<string, JsonValue>>;
  loops?: Record<string, Record<string, JsonValue>>;
  parallels?: Record<string, Record<string, JsonValue>>;
  variables?: Record<string, Record<string, JsonValue>>;
  name: string;
  description?: string | null;
  workspaceId?: string;
};

export type NewWorkspace = {
  name: string;
  workspaceId?: string;
};

export type Notice = {
  code: "OFFLINE_ANSWERER" | "ANSWERED_BY_RULES";
  message: string;
};

export type NoticeEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "notice";
  payload: Notice;
};

export type OneDecision = {
  toolCallId: string;
  decision: "allow" | "allowForChat" | "skip";
  messageId?: string | null;
};

export type OwnInvitation = {
  id: string;
  workspaceId: string;
  workspaceName: string;
  inviterName: string;
  role: string;
  expiresAt: string;
};

export type OwnInvitationPage = {
  data: Array<OwnInvitation>;
  nextCursor: string | null;
};

export type PageSpan = {
  page: number;
  startOffset: number;
  endOffset: number;
};

export type PartDifference = {
  id: string;
  name: string | null;
  how: "added" | "removed" | "changed";
  fields: Array<FieldDifference>;
};

export type PasskeyAnswer = {
  id: string;
  name: string;
  createdAt: string;
  lastUsedAt: string | null;
};

export type PasskeyAnswerPage = {
  data: Array<PasskeyAnswer>;
  nextCursor: string | null;
};

export type PasskeyOptions = {
  challengeId: string;
  publicKey: Record<string, unknown>;
};

export type PasskeySignature = {
  challengeId: string;
  credential: Record<string, unknown>;
};

export type Pause = {
  contextId: string | null;
  resumeUrl: string | null;
  contexts: Array<Record<string, unknown>>;
};

export type PauseContext = {
  contextId: string;
  resumeUrl: string;
  kind: "human" | "wait";
  blockId: string;
  message: string | null;
  fields: Array<Record<string, unknown>>;
  until: string | null;
};

export type Paused = {
  contextId: string | null;
  resumeUrl: string | null;
  contexts: Array<PauseContext>;
};

export type PausedRun = {
  contextId: string | null;
  resumeUrl: string | null;
  contexts: Array<PauseContext>;
  success: true;
  executionId: string;
  status: "paused";
};

export type Place = {
  page: number | null;
  bbox: Array<number> | null;
  startOffset: number | null;
  endOffset: number | null;
  headingPath: Array<string>;
  edited?: boolean | null;
};

export type Processing = {
  operations?: Array<"extract" | "ocr">;
  languages?: Array<string> | null;
  ocr?: "auto" | "force" | "off" | null;
  force?: boolean;
  workspaceId?: string;
};

export type ProviderAnswer = {
  name: string;
  createdAt: string;
  updatedAt: string;
};

export type ProviderAnswerPage = {
  data: Array<ProviderAnswer>;
  nextCursor: string | null;
};

export type Readiness = {
  status: "ready" | "starting";
  checks: Record<string, boolean>;
  error?: string | null;
};

export type Reading = {
  ocr?: "auto" | "force" | "off" | null;
  languages?: Array<string> | null;
  workspaceId?: string;
};

export type Reauthenticate = {
  password?: string | null;
  code?: string | null;
  challengeId?: string | null;
  credential?: Record<string, unknown> | null;
  workspaceId?: string;
};

export type RechunkingAnswer = {
  status: "pending" | "processing" | "failed";
  progress: number;
  secondsLeft: number | null;
  documentsDone: number;
  documentsFailed: number;
  documentsTotal: number;
  error: Record<string, unknown> | null;
};

export type Recording = {
  status: "recording" | "ready";
  complete: boolean | null;
  durationMs: number;
  size: number;
  expiresAt: string | null;
};

export type RecordingPatch = {
  enabled?: boolean;
  retentionDays?: number | null;
};

export type RecordingSettings = {
  enabled: boolean;
  retentionDays: number | null;
};

export type RecoveryCodesAnswer = {
  recoveryCodes: Array<string>;
};

export type ReembeddingAnswer = {
  embeddingModel: string;
  embeddingDimensions: number;
  status: "pending" | "processing" | "failed";
  progress: number;
  secondsLeft: number | null;
  error: Record<string, unknown> | null;
};

export type ResetAnswer = {
  success: true;
  revokedApiKeys: number;
};

export type ResetPassword = {
  email?: string | null;
  token?: string | null;
  password?: string | null;
  revokeApiKeys?: boolean | null;
};

export type ResumeBody = {
  contextId: string;
  input?: JsonValue;
  workspaceId?: string;
};

export type Reverted = {
  workflowId: string;
  version: number;
};

export type RpcMessage = {
  jsonrpc: "2.0";
  id?: number | string | null;
  method: string;
  params?: Record<string, JsonValue>;
  workspaceId?: string;
};

export type RpcRefusal = {
  jsonrpc?: "2.0" | null;
  id?: number | string | null;
  error: Record<string, unknown>;
};

export type RpcResult = {
  jsonrpc: "2.0";
  id: number | string | null;
  result?: Record<string, unknown> | null;
  error?: Record<string, unknown> | null;
};

export type RunAnswer = {
  success: boolean;
  executionId: string;
  status: string;
  output: JsonValue;
  error?: Record<string, unknown> | null;
  metadata: RunTimes;
};

export type RunEnded = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "execution:completed" | "execution:error" | "execution:cancelled";
  data: Ended;
};

export type RunPaused = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "execution:paused";
  data: Pause;
};

export type RunStarted = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "execution:started";
  data: Started;
};

export type RunTimes = {
  duration: number | null;
  startTime: string | null;
  endTime: string | null;
};

export type ScheduleAnswer = {
  workflowId: string;
  cron: string;
  timezone: string;
  misfire: string;
  enabled: boolean;
  input: Record<string, unknown>;
  nextFireAt: string | null;
  createdAt: string;
  updatedAt: string;
};

export type ScheduleBody = {
  cron: string;
  timezone?: string;
  misfire?: "skip" | "latest" | "all";
  enabled?: boolean;
  input?: Record<string, JsonValue>;
  workspaceId?: string;
};

export type ScoreParts = {
  vector: number | null;
  keyword: number | null;
  rerank: number | null;
};

export type SearchFields = {
  query: string;
  topK?: number;
  groupBy?: "chunk" | "document";
  mode?: "hybrid" | "vector" | "keyword";
  rerank?: boolean;
  rewrite?: boolean;
  minScore?: number | null;
  filter?: Record<string, unknown> | null;
  highlight?: boolean;
  expand?: boolean;
  workspaceId?: string;
};

export type SearchReply = {
  query: string;
  topK: number;
  mode: string;
  totalResults: number;
  timings: Record<string, number>;
  rewrites: Array<string>;
  results: Array<CollapsedResult | SearchResult>;
};

export type SearchResult = {
  id: string;
  documentId: string;
  documentName: string;
  content: string;
  score: number;
  scores: ScoreParts;
  chunkIndex: number;
  metadata: Record<string, unknown>;
  highlights: Array<string>;
  citation: Place;
};

export type SecondFactor = {
  challenge: string;
  code: string;
};

export type SecretAnswer = {
  name: string;
  createdAt: string;
  updatedAt: string;
};

export type SecretAnswerPage = {
  data: Array<SecretAnswer>;
  nextCursor: string | null;
};

export type SentMail = {
  email: string;
};

export type SentWebhook = {
  id: string;
  blockId: string;
  iteration: string;
  url: string;
  status: "pending" | "delivered" | "failed";
  attempts: Array<Record<string, unknown>>;
  createdAt: string;
};

export type SentWebhookPage = {
  data: Array<SentWebhook>;
  nextCursor: string | null;
};

export type SessionAnswer = {
  user: AuthUserAnswer;
  workspaceId: string | null;
  expiresAt: string | null;
};

export type SessionRow = {
  id: string;
  userAgent: string | null;
  address: string | null;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  current: boolean;
};

export type SessionRowPage = {
  data: Array<SessionRow>;
  nextCursor: string | null;
};

export type ShareBody = {
  messagesPerDay?: number;
  messagesPerAddress?: number;
  expiresAt?: string | null;
  workspaceId?: string;
};

export type SharedAgent = {
  name: string;
};

export type Signup = {
  email: string;
  password: string;
  name: string;
};

export type SlackAnswer = {
  challenge?: string | null;
  ignored?: boolean | null;
};

export type SlackMessage = {
  channel: string;
  text?: string;
  blocks?: Array<Record<string, JsonValue>> | null;
  threadTs?: string | null;
  workspaceId?: string;
};

export type SocketToken = {
  token: string;
  expiresAt: string;
};

export type SourceAnswer = {
  id: string;
  name: string;
  kind: "mcp" | "openapi";
  url: string;
  documentUrl: string | null;
  headers: Record<string, string>;
  trustReadOnly: boolean;
  tools: Array<SourceTool>;
  leftOut: Array<string>;
  refreshedAt: string;
  createdAt: string;
  updatedAt: string;
};

export type SourceAnswerPage = {
  data: Array<SourceAnswer>;
  nextCursor: string | null;
};

export type SourcePatch = {
  headers?: Record<string, unknown>;
  trustReadOnly?: boolean;
  workspaceId?: string;
};

export type SourceTool = {
  name: string;
  description: string;
  parameters: Record<string, JsonValue>;
  readOnly: boolean;
  requiresApproval: boolean;
};

export type StartEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "start";
  payload: Begun;
};

export type Started = {
  startTime: string;
};

export type StatusAnswer = {
  id: string;
  status: string;
  stage: string | null;
  progress: number;
  pagesDone: number;
  pagesTotal: number | null;
  secondsLeft: number | null;
  attempts: number;
  ocr: "auto" | "force" | "off" | null;
  languages: Array<string> | null;
  quality: Record<string, unknown> | null;
  error: Record<string, unknown> | null;
  textLength: number | null;
  startedAt: string | null;
  endedAt: string | null;
};

export type SteerBody = {
  message: string;
  workspaceId?: string;
};

export type StreamChunk = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "stream:chunk";
  data: Chunk;
};

export type StreamDone = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "stream:done";
  data: ChunksDone;
};

export type StreamOptions = {
  include_usage?: boolean;
  include_obfuscation?: boolean | null;
};

export type StreamThinking = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "stream:thinking";
  data: Thinking;
};

export type StreamTool = {
  eventId: number;
  timestamp: string;
  executionId: string;
  workflowId: string;
  type: "stream:tool";
  data: WorkflowsToolUse;
};

export type SubscriptionAnswer = {
  id: string;
  url: string;
  events: Array<"execution.completed" | "execution.failed" | "execution.paused" | "document.completed" | "document.failed" | "chat.turn.completed" | "chat.turn.failed" | "chat.turn.aborted" | "approval.requested">;
  enabled: boolean;
  notice: string | null;
  consecutiveFailures: number;
  secret?: string | null;
  createdAt: string;
  updatedAt: string;
};

export type SubscriptionAnswerPage = {
  data: Array<SubscriptionAnswer>;
  nextCursor: string | null;
};

export type SubscriptionPatch = {
  url?: string;
  events?: Array<"execution.completed" | "execution.failed" | "execution.paused" | "document.completed" | "document.failed" | "chat.turn.completed" | "chat.turn.failed" | "chat.turn.aborted" | "approval.requested">;
  secret?: string;
  enabled?: boolean;
  workspaceId?: string;
};

export type TemplateAnswer = {
  id: string;
  name: string;
  category: string;
  description: string;
  sampleInput: Record<string, unknown>;
  workflow: ExportedWorkflow;
};

export type TemplateAnswerPage = {
  data: Array<TemplateAnswer>;
  nextCursor: string | null;
};

export type TextAnswer = {
  fileId: string;
  text: string;
  offset: number;
  totalLength: number;
  nextOffset: number | null;
  pages: Array<PageSpan>;
};

export type TextEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "text";
  payload: Delta;
};

export type TextPart = {
  type: "text";
  text: string;
};

export type Thinking = {
  blockId: string;
  thinking: string;
};

export type ThinkingEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "thinking";
  payload: Delta;
};

export type TokenAnswer = {
  access_token: string;
  token_type: "Bearer";
  expires_in: number;
  scope: string;
  refresh_token?: string | null;
};

export type TokenRequest = {
  grant_type: "authorization_code" | "refresh_token" | "client_credentials";
  code?: string | null;
  client_id?: string | null;
  redirect_uri?: string | null;
  code_verifier?: string | null;
  refresh_token?: string | null;
  client_secret?: string | null;
  scope?: string | null;
};

export type TokenUsage = {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
};

export type Tokens = {
  input: number;
  output: number;
  total: number;
};

export type ToolAnswer = {
  name: string;
  description: string;
  category: string;
  parameters: Record<string, unknown>;
  requiresCredential: boolean;
  configured: boolean;
};

export type ToolCall = {
  params?: Record<string, JsonValue>;
  workspaceId?: string;
};

export type ToolCallDelta = {
  id: string;
  type: "function";
  function: CalledFunction;
  index: number;
};

export type ToolEvent = {
  seq: number;
  ts: string;
  chatId: string;
  messageId: string;
  type: "tool";
  payload: ToolStep;
};

export type ToolResult = {
  success: boolean;
  output: unknown;
  error?: ToolsFailure | null;
  durationMs: number;
};

export type ToolRun = {
  name: string;
  arguments?: Record<string, JsonValue>;
  toolCallId?: string | null;
  chatId?: string | null;
  mode?: string | null;
  workflowId?: string | null;
  workspaceId?: string;
};

export type ToolRunAnswer = {
  success: boolean;
  output: unknown;
  error: string | null;
  artifacts: Array<Record<string, unknown>>;
  durationMs: number;
};

export type ToolStep = {
  toolCallId: string;
  name: string;
  arguments: JsonValue;
  status: string;
  output: JsonValue;
  phase: "call" | "approval" | "result";
};

export type ToolsFailure = {
  code: string;
  message: string;
  details: Record<string, unknown>;
};

export type TotpCode = {
  code: string;
  workspaceId?: string;
};

export type TotpSecret = {
  secret: string;
  otpauthUri: string;
};

export type TraceSpan = {
  id: string;
  name: string;
  type: string;
  status: string;
  startTime: string | null;
  endTime: string | null;
  durationMs: number | null;
  blockId: string | null;
  iteration: string | null;
  input: JsonValue;
  output: JsonValue;
  error: string | null;
  tokens: Record<string, unknown> | null;
  cost: number | null;
  children: Array<TraceSpan>;
};

export type TurnDetection = {
  type: "vad" | "none";
  threshold: number;
  silenceDurationMs: number;
};

export type TurnDetectionPatch = {
  type?: "vad" | "none";
  threshold?: number;
  silenceDurationMs?: number;
};

export type TwilioAnswer = {
  accountSid: string | null;
  hasAuthToken: boolean;
  webhookUrl: string;
};

export type TwilioPatch = {
  accountSid?: string | null;
  authToken?: string | null;
};

export type Usage = {
  input: number;
  output: number;
  total: number;
};

export type UsageAnswer = {
  from: string;
  to: string;
  documents: number;
  chunks: number;
  files: number;
  storageBytes: number;
  executions: Record<string, number>;
  messages: Record<string, number>;
  tokens: Tokens;
  cost: number;
  days: Array<DayUsage>;
};

export type UserPatch = {
  name?: string;
  imageUrl?: string | null;
  defaultWorkspaceId?: string;
  password?: string;
  currentPassword?: string;
  revokeApiKeys?: boolean;
  workspaceId?: string;
};

export type UsersUserAnswer = {
  id: string;
  email: string;
  name: string;
  imageUrl: string | null;
  emailVerified: boolean;
  defaultWorkspaceId: string | null;
  createdAt: string;
  updatedAt: string;
};

export type Validity = {
  valid: boolean;
  issues: Array<Issue>;
};

export type VersionAnswer = {
  number: number;
  name: string | null;
  reason: string;
  isDeployed: boolean;
  createdAt: string;
  blocks: Record<string, unknown>;
  edges: Array<unknown>;
  loops: Record<string, unknown>;
  parallels: Record<string, unknown>;
  variables: Record<string, unknown>;
};

export type VersionSummary = {
  number: number;
  name: string | null;
  reason: string;
  isDeployed: boolean;
  createdAt: string;
};

export type VersionSummaryPage = {
  data: Array<VersionSummary>;
  nextCursor: string | null;
};

export type VisitorAnswer = {
  chatId: string;
  messageId: string;
  content: string;
  citations: Array<Citation>;
  notice: Notice | null;
};

export type VisitorMessage = {
  message: string;
  chatId?: string | null;
};

export type VoiceConfigAnswer = {
  provider: string;
  language: string;
  voiceId: string | null;
  greeting: string | null;
  systemPrompt: string | null;
  model: string | null;
  knowledgeBaseIds: Array<string>;
  turnDetection: TurnDetection;
  maxDurationSeconds: number;
  recording: RecordingSettings;
  twilio: TwilioAnswer;
  daily: DailyAnswer;
  updatedAt: string | null;
};

export type VoiceConfigPatch = {
  provider?: string;
  language?: string;
  voiceId?: string | null;
  greeting?: string | null;
  systemPrompt?: string | null;
  model?: string | null;
  knowledgeBaseIds?: Array<string>;
  turnDetection?: TurnDetectionPatch;
  maxDurationSeconds?: number;
  recording?: RecordingPatch | null;
  twilio?: TwilioPatch | null;
  daily?: DailyPatch | null;
  workspaceId?: string;
};

export type VoiceSessionAnswer = {
  id: string;
  channel: "web" | "twilio" | "daily";
  status: "waiting" | "active" | "ended";
  endReason: string | null;
  mode: string | null;
  workflowId: string | null;
  chatId: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  expiresAt: string;
  transcript: Array<Line>;
  latencyMs: Record<string, number>;
  recording: Recording | null;
};

export type VoiceSessionAnswerPage = {
  data: Array<VoiceSessionAnswer>;
  nextCursor: string | null;
};

export type WebhookAccepted = {
  success: true;
  executionId: string;
};

export type WebhookAnswer = {
  success: boolean;
  executionId: string;
  result: JsonValue;
  error?: Record<string, unknown> | null;
};

export type WebhookBody = {
  auth: "none" | "bearer" | "hmac" | "slack";
  mode?: "sync" | "async";
  allowedAddresses?: Array<string>;
  secrets?: Array<string>;
  secretName?: string | null;
  workspaceId?: string;
};

export type WebhookSettings = {
  workflowId: string;
  url: string;
  auth: string;
  mode: string;
  allowedAddresses: Array<string>;
  hasSecret: boolean;
  secretName: string | null;
  createdAt: string;
  updatedAt: string;
};

export type WideSearchFields = {
  query: string;
  topK?: number;
  groupBy?: "chunk" | "document";
  mode?: "hybrid" | "vector" | "keyword";
  rerank?: boolean;
  rewrite?: boolean;
  minScore?: number | null;
  filter?: Record<string, unknown> | null;
  highlight?: boolean;
  expand?: boolean;
  knowledgeBaseIds: Array<string>;
  workspaceId?: string;
};

export type WideSearchReply = {
  query: string;
  topK: number;
  mode: string;
  totalResults: number;
  timings: Record<string, number>;
  rewrites: Array<string>;
  results: Array<WideSearchResult>;
};

export type WideSearchResult = {
  id: string;
  documentId: string;
  documentName: string;
  content: string;
  score: number;
  scores: ScoreParts;
  chunkIndex: number;
  metadata: Record<string, unknown>;
  highlights: Array<string>;
  citation: Place;
  knowledgeBaseId: string;
  knowledgeBaseName: string;
  duplicates?: Array<DuplicateResult> | null;
};

export type WorkflowAnswer = {
  id: string;
  name: string;
  description: string | null;
  workspaceId: string;
  version: number;
  isDeployed: boolean;
  deployedVersion: number | null;
  createdAt: string;
  updatedAt: string;
  blocks: Record<string, unknown>;
  edges: Array<unknown>;
  loops: Record<string, unknown>;
  parallels: Record<string, unknown>;
  variables: Record<string, unknown>;
};

export type WorkflowPatch = {
  blocks?: Record<string, Record<string, JsonValue>>;
  edges?: Array<Record<string, JsonValue>>;
  loops?: Record<string, Record<string, JsonValue>>;
  parallels?: Record<string, Record<string, JsonValue>>;
  variables?: Record<string, Record<string, JsonValue>>;
  name?: string;
  description?: string | null;
  workspaceId?: string;
};

export type WorkflowSummary = {
  id: string;
  name: string;
  description: string | null;
  workspaceId: string;
  version: number;
  isDeployed: boolean;
  deployedVersion: number | null;
  createdAt: string;
  updatedAt: string;
};

export type WorkflowSummaryPage = {
  data: Array<WorkflowSummary>;
  nextCursor: string | null;
};

export type WorkflowTotals = {
  runs: number;
  byStatus: Record<string, number>;
  successRate: number | null;
  durationMs: Durations;
  tokens: Tokens;
  cost: number;
  workflowId: string;
};

export type WorkflowsToolUse = {
  blockId: string;
  phase: "call" | "result";
  id: string;
  name: string;
  arguments?: string | null;
  status?: string | null;
  output?: JsonValue;
};

export type WorkspaceAnswer = {
  id: string;
  name: string;
  plan: string;
  role: string;
  ownerId: string;
  memberCount: number;
  createdAt: string;
  updatedAt: string;
};

export type WorkspaceAnswerPage = {
  data: Array<WorkspaceAnswer>;
  nextCursor: string | null;
};

export type WorkspacePatch = {
  name?: string;
  workspaceId?: string;
};
