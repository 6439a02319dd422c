/**
 * otarc as a library: `deploy` and `push` as the command does them, every step as an event.
 *
 * `otarc/simulator` has the virtual device.
 */

export { deployProject, type DeployProjectOptions } from './deploy/deploy-project.ts';
export { OtaError, errorCodes, type ErrorCode } from './model/errors.ts';
export type { AuthScheme, DeployEvent, EventBody, LogLevel, Stage, Tell } from './model/events.ts';
export type { Engine, EngineContext, SendOptions, Session } from './engines/engine.ts';
export type { Outcome } from './deploy/push-types.ts';
export type { RunResult } from './deploy/run.ts';
export { espota } from './engines/espota/index.ts';
export { explain, type ExplainOptions } from './diagnose/explain.ts';
export { readImage } from './image/index.ts';
export { Secret } from './model/secret.ts';
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
} from './model/types.ts';
