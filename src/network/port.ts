import { defaultPort } from '../engines/espota/ports.ts';
import type { Platform } from '../model/types.ts';

export interface PortSources {
  readonly configured?: number | undefined;
  /** Port of the SRV record. */
  readonly announced?: number | undefined;
  readonly platform?: Platform | undefined;
}

/**
 * The UDP port to invite at: configured, else announced, else the platform's default; undefined where none is known.
 * The announcement goes before the platform: HomeDing listens on 8266 on every chip.
 */
export function choosePort({ configured, announced, platform }: PortSources): number | undefined {
  return configured ?? announced ?? defaultPort(platform);
}
