/** How a transfer failed, in words: from what was observed to the error that a person reads. Pure. */

import { OtaError } from '../../model/errors.ts';
import { thousands } from '../../model/numbers.ts';
import type { Image } from '../../model/types.ts';
import { deviceText, withObserved, type Observed, type Where } from './failures.ts';
import type { TransferEnd } from './transfer.ts';

/** The error for every end of a transfer but `accepted`. */
export function transferFailed(
  { target, observed }: Where,
  image: Image,
  end: TransferEnd & { type: Exclude<TransferEnd['type'], 'accepted'> },
): OtaError {
  const device = deviceText(target);
  const lostBy = lostByOf(end, observed);
  const details = { ...observed, ...end, totalBytes: image.sizeBytes, ...(lostBy && { lostBy }) };
  const taken = `${thousands(end.acknowledgedBytes)} of ${thousands(image.sizeBytes)} bytes`;
  // A file-system image is written in place: what was there is gone, what should be there is not whole.
  if (image.kind === 'filesystem' && (end.type === 'lost' || end.type === 'stalled')) {
    const because = end.type === 'lost' ? 'CONNECTION_LOST' : 'TRANSFER_STALLED';
    const message = `${device} took ${taken} of its file system, and then nothing more.`;
    return new OtaError('FILESYSTEM_HALF_WRITTEN', message, { details: { ...details, because } });
  }
  switch (end.type) {
    case 'rejected':
      return new OtaError('IMAGE_REJECTED', `${device} rejected the image: ${end.answer}`, { details });
    case 'garbage':
      return new OtaError('PROTOCOL_ERROR', `${device} answered with something unreadable: "${end.answer}"`, {
        details,
      });
    case 'early-ok':
      return new OtaError(
        'PROTOCOL_ERROR',
        `${device} said OK after ${thousands(end.sentBytes)} of ${thousands(image.sizeBytes)} bytes.`,
        { details },
      );
    case 'lost':
      return new OtaError('CONNECTION_LOST', lostText({ device, taken, lostBy, silentMs: end.silentMs }), {
        details,
      });
    case 'stalled':
      return new OtaError(
        'TRANSFER_STALLED',
        `${device} took ${taken} and then nothing more for ${Math.round(end.silentMs / 1000)} s.`,
        { details },
      );
    case 'no-verdict':
      return new OtaError(
        'NO_VERDICT',
        `${device} took all ${thousands(image.sizeBytes)} bytes but never said whether it accepts them.`,
        { details },
      );
  }
}

/** No device restarts, and is on its network again, in less. */
const quickestRestartMs = 1_500;
/** The connection was ended by the device, and not by the network between. */
const byDeviceCodes = [undefined, 'ECONNRESET', 'EPIPE'];

/**
 * What the end of the connection says of the device. One that ends it while it counts is there, and has decided to; one that
 * has restarted is silent first, and then knows of no such connection.
 *
 * Whether it ends it in order or with a reset says no more: Node reports a reset that comes right behind data as an end in
 * order (libuv takes a hang-up after a partial read for the end of the stream).
 */
function lostByOf({ type, code, silentMs }: TransferEnd, { suspendedMs = 0 }: Observed): LostBy | undefined {
  // A host that slept cannot tell when the device ended it.
  if (type !== 'lost' || !byDeviceCodes.includes(code) || suspendedMs >= quickestRestartMs) return undefined;
  if (silentMs < quickestRestartMs) return 'closing';
  return code === undefined ? undefined : 'restart';
}

type LostBy = 'closing' | 'restart';

interface Lost {
  readonly device: string;
  readonly taken: string;
  readonly lostBy: LostBy | undefined;
  readonly silentMs: number;
}

function lostText({ device, taken, lostBy, silentMs }: Lost): string {
  switch (lostBy) {
    case 'closing':
      return `${device} took ${taken} and then gave up: it closed the connection.`;
    case 'restart':
      return `${device} took ${taken}, was silent for ${Math.round(silentMs / 1000)} s, and then knew nothing of this connection.`;
    default:
      return `${device} closed the connection after it had taken ${taken}.`;
  }
}

/**
 * An interruption while the image was on its way. Firmware goes beside the running sketch, a file system is written in
 * place: what was there is gone. Once the last byte has been sent, nobody but the device knows whether it has taken them.
 */
export function interrupted(
  { target, observed }: Where,
  image: Image,
  {
    error,
    isAllTaken,
    acknowledgedBytes,
  }: { readonly error: OtaError; readonly isAllTaken: boolean; readonly acknowledgedBytes: number },
): OtaError {
  const isFilesystem = image.kind === 'filesystem';
  if (!isFilesystem && !isAllTaken) {
    const { code, message, hint, cause } = error;
    const kept = code === 'CANCELLED' ? `The device keeps its old sketch. ${hint}` : hint;
    const details = { ...error.details, acknowledgedBytes };
    return withObserved(new OtaError(code, message, { hint: kept, details, cause }), observed);
  }
  const details = { ...observed, ...error.details, because: error.code, isAllTaken, acknowledgedBytes };
  const device = deviceText(target);
  const state = !isFilesystem
    ? `${device} had taken all of the image, and may run it all the same.`
    : isAllTaken
      ? `The file system on ${device} may be half written.`
      : `The file system on ${device} is half written.`;
  const hint = isFilesystem
    ? 'Push the file-system image again before the device is restarted.'
    : 'Look whether the device runs the new sketch before you push again.';
  const code = error.code === 'CANCELLED' || !isFilesystem ? error.code : 'FILESYSTEM_HALF_WRITTEN';
  return new OtaError(code, `${error.message} ${state}`, { hint, details, cause: error });
}
