/**
 * The one error type that users meet, and the one record a code has.
 *
 * Codes, exit statuses and their meaning are a contract (README, "Error codes"): scripts are written against them.
 */

interface CodeRecord {
  /** 2: usage or configuration, nothing was attempted. 1: a build, check or push failed. */
  readonly exitCode: 1 | 2 | 130;
  /** Whether the same command may succeed a little later with nothing changed. */
  readonly transient: boolean;
  /** What to do next where the place that failed knows nothing better. */
  readonly hint: string;
}

const usage = (hint: string): CodeRecord => ({ exitCode: 2, transient: false, hint });
const final = (hint: string): CodeRecord => ({ exitCode: 1, transient: false, hint });
const transient = (hint: string): CodeRecord => ({ exitCode: 1, transient: true, hint });

export const errorCodes = {
  USAGE: usage('See `otarc --help`.'),
  CONFIG_INVALID: usage('Fix the keys named above; `otarc config --schema` prints what is allowed.'),
  CONFIG_UNREADABLE: usage('Check that the file exists, may be read, and is valid JSON or YAML.'),
  TARGET_UNKNOWN: usage(
    'List the device under `devices:` in .otarc, or name it by address or as NAME.local.',
  ),
  NO_TARGET: usage('Name a device on the command line, or set `device:` in .otarc.'),
  SECRET_UNAVAILABLE: usage('Provide the password where .otarc says it is, then try again.'),

  BUILD_TOOL_MISSING: final('Install the build tool, or put it on PATH.'),
  BUILD_FAILED: final('Fix the error the build tool reported above; the device was not touched.'),
  IMAGE_NOT_FOUND: final('Build the project first, or name the image: `otarc push --file IMAGE`.'),
  IMAGE_UNREADABLE: final('Check the path and its permissions.'),
  IMAGE_INCOMPLETE: final('The build was interrupted or is still writing: build again.'),
  IMAGE_NOT_OTA: final(
    'Push the application image (firmware.bin), not a merged, bootloader or partition image.',
  ),
  IMAGE_WRONG_CHIP: final('Build for the chip that the device has, or correct `platform:` in .otarc.'),
  IMAGE_TOO_LARGE: final('Make the image smaller, or flash a larger partition layout by cable.'),
  IMAGE_CHANGED: transient('Another build is writing the image: wait for it, then try again.'),
  IMAGE_CORRUPT: final('Build again; the file on disk is damaged.'),
  ENVIRONMENT_AMBIGUOUS: final('Choose one with `-e NAME`, or set `build.environment` in .otarc.'),
  DEVICE_LOCKED: transient('Wait until the other otarc is done.'),
  CANCELLED: {
    exitCode: 130,
    transient: false,
    hint: 'Run the command again when ready.',
  },
  INTERNAL: final('This is a mistake in otarc: please report it with the command and the output of `-v`.'),

  NAME_NOT_RESOLVED: transient('Check that the device is powered and on this network, or give its address.'),
  HOST_PORT_IN_USE: transient('Choose another `--host-port`, or leave it out and let otarc choose.'),
  DEVICE_SILENT: transient(
    'Check that the device is powered, on this network, and runs a sketch with ArduinoOTA.',
  ),
  DEVICE_BUSY: transient('Wait until the running update has ended, or power-cycle the device.'),
  PASSWORD_REQUIRED: final('Configure the password of this device in .otarc or in the environment.'),
  PASSWORD_WRONG: final(
    'Compare the configured password with the one in the sketch that runs on the device.',
  ),
  DEVICE_REFUSED: final('Read the answer of the device above.'),
  PROTOCOL_ERROR: final('Check address and port: what answers there does not speak the espota protocol.'),
  CONNECT_BACK_MISSING: transient(
    'Let TCP connections from the device in: open the port in the firewall of this host.',
  ),
  CONNECTION_LOST: transient('Check power supply and Wi-Fi of the device, then push again.'),
  TRANSFER_STALLED: transient('Check the Wi-Fi signal of the device, then push again.'),
  IMAGE_REJECTED: final('Read the answer of the device above.'),
  NO_VERDICT: transient('Look whether the device runs the new sketch before you push again.'),
  OLD_IMAGE_RUNS: final('Look at the serial output of the device while it boots.'),
  DEVICE_GONE: transient('Look at the serial output of the device while it boots.'),
  FILESYSTEM_HALF_WRITTEN: transient('Push the file-system image again before the device is restarted.'),
  NOT_VERIFIED: final('Look at the device, or verify by another method (`verify:` in .otarc).'),
  TIMEOUT: transient('Raise `--timeout`, or look at the link to the device.'),
} as const satisfies Record<string, CodeRecord>;

export type ErrorCode = keyof typeof errorCodes;

export interface OtaErrorOptions {
  /** The next thing to do, in the imperative. Default: the code's own. */
  hint?: string;
  /** Facts for scripts, `--json` and the diagnosis: flat, serialisable, never a secret. */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/**
 * An error that a user can meet: what happened (and to which device), and what to do next.
 *
 * Anything else that is thrown is a mistake in otarc and is reported as `INTERNAL`.
 */
export class OtaError extends Error {
  override readonly name = 'OtaError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: OtaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? errorCodes[code].hint;
    this.details = options.details ?? {};
  }
}

/** The error that an aborted wait ends with, unless the signal carries an `OtaError` of its own as its reason. */
export function cancelled(signal?: AbortSignal): OtaError {
  const reason: unknown = signal?.reason;
  return reason instanceof OtaError ? reason : new OtaError('CANCELLED', 'Cancelled.', { cause: reason });
}

/** `text` of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}
