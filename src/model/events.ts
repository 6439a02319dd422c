/**
 * Everything that a run tells, as one union. `--json` prints it a line each; the terminal writer and the library's
 * `onEvent` get the same objects.
 *
 * Two sequences that may interleave:
 *
 *   of a run      run-started → (change-detected → build-started → build-finished → image-ready)* → done
 *   of a device   device-located → invited → authenticated → connected → progress* → accepted → rebooting
 *                 → verified | unverified;  `retrying` goes back to `invited`;  `skipped` or `failed` ends it, once;
 *                 `device-located` comes again where the device has got another address by the invitation, and, with all
 *                 that follows up to `rebooting`, where the push has failed and the image from before is pushed again
 *
 * A run ends with exactly one `done`, whatever happened. `log` may stand anywhere. A watch has one run for each deployment,
 * with `change-detected` right behind `run-started`; a build that a save stops has no `build-finished`: `change-detected` and
 * `build-started` come again.
 */

import type { ErrorCode } from './errors.ts';
import type { BuildTool, Chip, ImageKind, Platform } from './types.ts';

/** What the part that tells it knows; `at` and `device` are added by who called it. */
export type EventBody =
  | { type: 'run-started'; schema: 1 }
  | { type: 'change-detected'; paths: readonly string[]; reason: string }
  | { type: 'build-started'; tool: BuildTool; command: readonly string[]; environment?: string }
  | { type: 'build-finished'; tool: BuildTool; environment?: string; durationMs: number; exitCode: number }
  | {
      type: 'image-ready';
      path: string;
      sizeBytes: number;
      md5: string;
      kind: ImageKind;
      platform?: Platform;
      chip?: Chip;
      identity?: string;
    }
  | {
      type: 'done';
      ok: boolean;
      deployed: string[];
      skipped: string[];
      failed: string[];
      durationMs: number;
      exitCode: number;
    }
  | { type: 'device-located'; name: string; address: string; port: number; via: 'config' | 'mdns' | 'os' }
  | { type: 'invited'; attempt: number; hostAddress: string; hostPort: number }
  | { type: 'authenticated'; scheme: AuthScheme }
  | { type: 'connected'; address: string }
  /** `acknowledgedBytes`: what the device has counted, never more. */
  | { type: 'progress'; acknowledgedBytes: number; totalBytes: number; bytesPerSecond: number }
  | { type: 'accepted'; durationMs: number; sizeBytes: number; sentBytes: number; countedBytes: number }
  | { type: 'rebooting' }
  /** `isRollback`: what runs is an image from before. */
  | { type: 'verified'; method: string; proof: string; isRollback?: true }
  | { type: 'unverified'; method: string; reason: string }
  | { type: 'retrying'; code: ErrorCode; inMs: number }
  | { type: 'skipped'; reason: string }
  | {
      type: 'failed';
      code: ErrorCode;
      message: string;
      hint: string;
      stage: Stage;
      details: Readonly<Record<string, unknown>>;
    }
  | { type: 'log'; level: LogLevel; message: string };

/** How the device was proven to: `sha256-md5` is the SHA-256 exchange over a stored MD5 hash. */
export type AuthScheme = 'none' | 'md5' | 'sha256' | 'sha256-md5';

/** Where in the flow something failed. */
export type Stage = 'config' | 'build' | 'image' | 'locate' | 'push' | 'verify';

/** `debug` is shown with `-v`. */
export type LogLevel = 'debug' | 'info' | 'warn';

/** ISO time, and the device that it concerns. */
export type DeployEvent = EventBody & { at: string; device?: string };

/** How a stage tells; it neither prints nor decides what is shown. */
export type Tell = (event: EventBody) => void;
