import { inject } from 'vitest';
import type { ToolName, ToolPaths } from '../tools/report.ts';

/**
 * Why tests that run these tools cannot run here, or `false`: for `describe.skipIf(requireTools('pio'))` and
 * `ctx.skip(reason)`. In CI a missing tool is never a skip: the set-up has thrown already, and this throws too.
 */
export function requireTools(...names: ToolName[]): string | false {
  const { missing } = inject('tools');
  const reasons = names.flatMap((name) => missing[name] ?? []);
  if (reasons.length === 0) return false;
  const text = reasons.join('\n');
  if (process.env['CI'] === 'true') throw new Error(text);
  return text;
}

export function toolPaths(): ToolPaths {
  return inject('tools').paths;
}
