import type { IncomingHttpHeaders } from 'node:http';

/** The header fields of a message, whatever they are kept in. */
export interface Fields {
  /** The value of a field by its lower-case name, its repetitions joined by `, `. */
  value(name: string): string | undefined;
}

/** The fields that Node has parsed. */
export function fieldsOf(headers: IncomingHttpHeaders): Fields {
  return {
    value(name) {
      const value = headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
  };
}
