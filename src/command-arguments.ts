import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf, UsageError } from './errors.ts';

/**
 * `parseArgs` of `node:util`.
 * @throws UsageError that names the option which will not do.
 */
export function readArguments<T extends ParseArgsConfig>(
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // What follows tells how to pass an argument that begins with a dash, of which there is none.
    throw new UsageError(messageOf(error).split('. ', 1)[0] ?? '');
  }
}
