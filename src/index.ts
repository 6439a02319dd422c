/**
 * otarc as a library: `deploy` and `push` as the command does them, every step as an event.
 *
 * `otarc/simulator` has the virtual device.
 */

export { deployProject, type DeployProjectOptions } from './library.ts';
export { OtaError, errorCodes, type ErrorCode } from './errors.ts';
export type { AuthScheme, DeployEvent, EventBody, LogLevel, Stage, Tell } from './events.ts';
export type { Engine, EngineContext, SendOptions, Session } from './engine.ts';
export type { Outcome } from './deploy.ts';
export type { RunResult } from './run.ts';
export { espota } from './espota/index.ts';
export { explain, type ExplainOptions } from './explain.ts';
export { readImage } from './image/index.ts';
export { Secret } from './secret.ts';
export type {
  Artifact,
  BuildTool,
  Chip,
  Credential,
  Image,
  ImageKind,
  Platform,
  Receipt,
  Target,
} from './types.ts';
