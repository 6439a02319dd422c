/** The device as it is configured and where it was found, put together: where the datagrams go. */

import { hostAddressFor, type Located } from '../network/index.ts';
import { httpOta, httpOtaPort, otherProtocolOf } from '../network/other-protocol.ts';
import { endpointText } from '../model/endpoint.ts';
import { OtaError } from '../model/errors.ts';
import type { Engine } from '../engines/engine.ts';
import type { Device, Image, Platform, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** @throws `USAGE` where nothing says which port to use; `PROTOCOL_ERROR` for a device that is known to speak another protocol. */
export async function targetOf({
  engine,
  device,
  located,
  image,
}: {
  readonly engine: Pick<Engine, 'defaultPort'>;
  readonly device: Device;
  readonly located: Located;
  readonly image?: Image | undefined;
}): Promise<Target> {
  refuseOtherProtocol(device, located);
  const port = portOf({ engine, device, located, image });
  if (port === undefined) {
    throw new OtaError('USAGE', `${device.name}: neither the image nor the device says which port to use.`, {
      hint: 'Say --platform esp8266, esp32 or rp2040, or the --port; in .otarc: `platform:` or `port:`.',
    });
  }
  const { hostAddress: wanted, hostPort, interfaces, credential, acceptFrom, name } = device;
  const hostAddress =
    wanted === undefined && interfaces.length === 0
      ? undefined
      : await hostAddressFor(located.address, { interfaces, hostAddress: wanted });
  const { address, via } = located;
  const platform = platformOf(device, located);
  return withoutUndefined({
    name,
    address,
    port,
    via,
    credential,
    acceptFrom,
    platform,
    hostAddress,
    hostPort,
  });
}

/**
 * Before the first datagram, whichever way the device was found. A port that the user gives counts more than what is
 * announced at another one: who says `--port 8266` knows of an espota updater beside it. Port 65280 itself is the sign: it is
 * what arduino-cli hands on for such a board, also with an address, where nobody listens for announcements.
 */
function refuseOtherProtocol(device: Device, { address, announced }: Located): void {
  const isOverruled = device.port !== undefined && announced !== undefined && device.port !== announced.port;
  const seen = announced ?? (device.port === undefined ? undefined : { port: device.port });
  if (isOverruled || seen === undefined || otherProtocolOf(seen) === undefined) return;
  const place = endpointText({ address, port: seen.port });
  throw new OtaError(
    'PROTOCOL_ERROR',
    `${device.name} (${place}) takes uploads by HTTP (${httpOta}: POST /sketch), not over espota; nothing was sent.`,
    {
      hint:
        `Push to it with the tool of its board package: SAMD, UNO R4, Nano 33 IoT and MKR boards announce port ${httpOtaPort}. ` +
        'Where an espota updater runs on it as well, name its port: --port, or `port:` in .otarc.',
      details: { protocol: httpOta, address, port: seen.port },
    },
  );
}

const platformOf = (device: Device, located: Located): Platform | undefined =>
  device.platform ?? located.platform;

/** Configured or announced, else the engine's for the platform, which the image may be the first to say. */
export function portOf({
  engine,
  device,
  located,
  image,
}: Parameters<typeof targetOf>[0]): number | undefined {
  return located.port ?? engine.defaultPort(platformOf(device, located) ?? image?.platform);
}
