/** How a transfer failed, in words: from what was observed to the error that a person reads. Pure. */

import { OtaError } from '../errors.ts';
import type { Image } from '../types.ts';
import { advise } from './advice.ts';
import { deviceText, type Where } from './failures.ts';
import { numberIn } from './messages.ts';
import type { TransferEnd } from './transfer.ts';

/** The error for every end of a transfer but `accepted`. */
export function transferFailed(
  { target, observed }: Where,
  image: Image,
  end: TransferEnd & { type: Exclude<TransferEnd['type'], 'accepted'> },
): OtaError {
  const device = deviceText(target);
  const details = { ...observed, ...end, totalBytes: image.sizeBytes };
  const taken = `${end.acknowledgedBytes} of ${image.sizeBytes} bytes`;
  // A file-system image is written in place: what was there is gone, what should be there is not whole.
  if (image.kind === 'filesystem' && (end.type === 'lost' || end.type === 'stalled')) {
    const because = end.type === 'lost' ? 'CONNECTION_LOST' : 'TRANSFER_STALLED';
    return new OtaError(
      'FILESYSTEM_HALF_WRITTEN',
      `${device} took ${taken} of its file system, then no more.`,
      {
        details: { ...details, because },
      },
    );
  }
  switch (end.type) {
    case 'rejected': {
      const { number } = numberIn(end.answer ?? '');
      const hint = rejectionHint(number, end.answer ?? '', image);
      return new OtaError('IMAGE_REJECTED', `${device} rejected the image: ${end.answer}`, {
        ...(hint === undefined ? {} : { hint }),
        details,
      });
    }
    case 'garbage':
      return new OtaError('PROTOCOL_ERROR', `${device} answered with something unreadable: "${end.answer}"`, {
        details,
      });
    case 'early-ok':
      return new OtaError(
        'PROTOCOL_ERROR',
        `${device} said OK after ${end.sentBytes} of ${image.sizeBytes} bytes.`,
        {
          hint: 'It took another image than this one: push again, and look at what it runs.',
          details,
        },
      );
    case 'lost':
      return new OtaError('CONNECTION_LOST', `${device} closed the connection after it had taken ${taken}.`, {
        hint: lossHint(end, image, target),
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
        `${device} took all ${image.sizeBytes} bytes but never said whether it accepts them.`,
        {
          hint: 'It may well have taken the image: look whether the new sketch runs before you push again.',
          details,
        },
      );
  }
}

function rejectionHint(number: number | undefined, answer: string, image: Image): string | undefined {
  if (image.kind === 'filesystem') {
    return 'The file system on the device may be half written: push the file-system image again before it restarts.';
  }
  return advise(number ?? (/md5/i.test(answer) ? 7 : undefined), image.kind);
}

/** An ESP32 whose updater failed reads on, says nothing, and ends the connection in order a second after the last byte. */
function lossHint(end: TransferEnd, image: Image, target: Where['target']): string {
  const mayBeUpdater = (target.platform ?? image.platform) === 'esp32' && end.code === undefined;
  if (!mayBeUpdater)
    return 'It restarted or lost the Wi-Fi: check its power supply and signal, then push again.';
  return 'An ESP32 closes like this when it cannot write the image (not built for this chip, or a damaged flash), and when it lost the Wi-Fi for seconds: check that the image is for this chip, then push again.';
}

/**
 * An interruption while the image was on its way. Firmware goes beside the running sketch, a file system is written in
 * place: what was there is gone.
 */
export function interrupted({ target }: Where, image: Image, error: OtaError): OtaError {
  if (image.kind !== 'filesystem') return error;
  const details = { ...error.details, because: error.code };
  const message = `${error.message} The file system on ${deviceText(target)} is half written.`;
  const hint = 'Push the file-system image again before the device is restarted.';
  const code = error.code === 'CANCELLED' ? 'CANCELLED' : 'FILESYSTEM_HALF_WRITTEN';
  return new OtaError(code, message, { hint, details, cause: error });
}
