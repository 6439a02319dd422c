import type { EngineName, Platform } from '../model/types.ts';
import { defaultPort as portOfEspota } from './espota/ports.ts';

const ports: Readonly<Record<EngineName, (platform: Platform | undefined) => number | undefined>> = {
  espota: portOfEspota,
};

/** The `defaultPort` of the engine, for lists: an engine with all that it needs is loaded for a push. */
export function usualPortOf({
  engine,
  platform,
}: {
  readonly engine: EngineName;
  readonly platform: Platform | undefined;
}): number | undefined {
  return ports[engine](platform);
}
