import { endpointText } from '../../model/endpoint.ts';
import { OtaError } from '../../model/errors.ts';
import type { FoundPlace } from '../engine.ts';
import { httpOta, httpOtaPort, otherProtocolOf } from '../other-protocol.ts';

/**
 * What takes uploads by HTTP only, whichever way it was found. A port that the user gives counts more than what is announced
 * at another one: who says `--port 8266` knows of an espota updater beside it. Port 65280 itself is the sign: it is what
 * arduino-cli hands on for such a board, also with an address, where nobody listens for announcements. Pure.
 */
export function refuses({ name, port, address, announced }: FoundPlace): OtaError | undefined {
  const isOverruled = port !== undefined && announced !== undefined && port !== announced.port;
  const seen = announced ?? (port === undefined ? undefined : { port });
  if (isOverruled || seen === undefined || otherProtocolOf(seen) === undefined) return undefined;
  const place = endpointText({ address, port: seen.port });
  return new OtaError(
    'PROTOCOL_ERROR',
    `${name} (${place}) takes uploads by HTTP (${httpOta}: POST /sketch), not over espota; nothing was sent.`,
    {
      hint:
        `Push to it with the tool of its board package: SAMD, UNO R4, Nano 33 IoT and MKR boards announce port ${httpOtaPort}. ` +
        'Where an espota updater runs on it as well, name its port: --port, or `port:` in .otarc.',
      details: { protocol: httpOta, address, port: seen.port },
    },
  );
}
