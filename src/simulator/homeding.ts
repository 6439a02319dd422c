/** The OTA part of HomeDing's own device description (`env.json`). */

import * as z from 'zod';

import { OtaError, messageOf } from '../model/errors.ts';

export interface HomedingDevice {
  readonly name?: string;
  readonly port: number;
  readonly password?: string;
}

/** HomeDing's OTA element listens on this port on every chip. */
const defaultPort = 8266;

/** HomeDing keeps numbers as text as well, compares keys without regard to case, and gives elements any id. */
const port = z.coerce.number().int().min(1).max(65_535);
const text = z.union([z.string(), z.number().transform(String)]);
const schema = z.object({
  ota: z.object({ 0: z.object({ port: port.optional(), passwd: text.optional() }) }).optional(),
  device: z.object({ 0: z.object({ name: z.string().min(1).optional() }) }).optional(),
});

/**
 * Reads the text of a HomeDing `env.json`. `path` is only for the message.
 *
 * @throws OtaError `CONFIG_UNREADABLE` (no JSON) or `CONFIG_INVALID` (a value that does not fit).
 */
export function parseHomeding(text: string, path: string): HomedingDevice {
  const parsed = schema.safeParse(elementsOf(parseJson(text, path)));
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    );
    throw new OtaError('CONFIG_INVALID', `${path} is no HomeDing description: ${mistakes.join('; ')}.`, {
      hint: 'It looks like {"device": {"0": {"name": "livingroom"}}, "ota": {"0": {"port": 8266, "passwd": "…"}}}.',
      details: { path, mistakes },
    });
  }
  const { passwd, port: given } = parsed.data.ota?.[0] ?? {};
  const name = parsed.data.device?.[0].name;
  return { port: given ?? defaultPort, ...(name && { name }), ...(passwd && { password: passwd }) };
}

/** The first of each kind as number 0, its keys in small letters. */
function elementsOf(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([kind, byId]) => {
      const element = isRecord(byId) ? (byId['0'] ?? Object.values(byId)[0]) : byId;
      const own = isRecord(element)
        ? Object.fromEntries(Object.entries(element).map(([key, each]) => [key.toLowerCase(), each]))
        : element;
      return [kind.toLowerCase(), { 0: own }];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the text around the mistake, which may be the password.
    const place = /at position \d+|end of JSON/.exec(messageOf(error))?.[0];
    throw new OtaError('CONFIG_UNREADABLE', `${path} is not valid JSON${place ? ` (${place})` : ''}.`, {
      details: { path },
    });
  }
}
