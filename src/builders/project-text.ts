import { OtaError } from '../model/errors.ts';
import { readSmallFile, textOf } from '../config/small-file.ts';

/**
 * The text of one of the build tool's own files; undefined: there is none.
 *
 * @throws {OtaError} CONFIG_UNREADABLE: what stands there has no end, or may not be read; the tool would fare no better
 */
export async function projectText(path: string): Promise<string | undefined> {
  const content = await readSmallFile(path);
  if (content.type === 'unreadable')
    throw new OtaError('CONFIG_UNREADABLE', `${path} cannot be read: ${content.reason}.`, {
      hint: 'The build tool reads this file as well: put it right, or leave it out.',
    });
  return content.type === 'read' ? textOf(content) : undefined;
}
