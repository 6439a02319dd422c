/** The device as it is configured and where it was found, put together: where the datagrams go. */

import type { Located } from '../network/index.ts';
import { OtaError } from '../model/errors.ts';
import type { Engine } from '../engines/engine.ts';
import type { Device, Image, Platform, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** @throws `USAGE` where nothing says which port to use; what the engine refuses the device by, before the first datagram. */
export async function targetOf({
  engine,
  device,
  located,
  image,
}: {
  readonly engine: Pick<Engine, 'defaultPort' | 'refuses'>;
  readonly device: Device;
  readonly located: Located;
  readonly image?: Image | undefined;
}): Promise<Target> {
  const refusal = engine.refuses(withoutUndefined({ ...located, name: device.name, port: device.port }));
  if (refusal !== undefined) throw refusal;
  const port = portOf({ engine, device, located, image });
  if (port === undefined) {
    throw new OtaError('USAGE', `${device.name}: neither the image nor the device says which port to use.`, {
      hint: 'Say --platform esp8266, esp32 or rp2040, or the --port; in .otarc: `platform:` or `port:`.',
    });
  }
  const { hostAddress: wanted, hostPort, interfaces, credential, acceptFrom, name } = device;
  const hostAddress = choosesHost(device)
    ? await (
        await import('../network/host-address.ts')
      ).hostAddressFor(located.address, { interfaces, hostAddress: wanted })
    : undefined;
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

/** Whether it says which address of this host it is pushed from; else the system chooses, and nothing has to be loaded. */
export function choosesHost({
  hostAddress,
  interfaces,
}: Pick<Device, 'hostAddress' | 'interfaces'>): boolean {
  return hostAddress !== undefined || interfaces.length > 0;
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
