/** Something that was done to one part of the cluster. */
export interface Hit {
  /** Name of the part, or of a gateway. */
  readonly part: string;
  /** Of a process among several of a gateway: the ports of the clients that it served. */
  readonly clients?: ReadonlySet<number>;
  /** From when on, in ms of performance.now(). */
  readonly from: number;
  /** Until when; Infinity while it lasts. */
  until: number;
}

/** Whom something went through, and when. */
export interface Course {
  readonly gateway: string;
  /** The client's own port. */
  readonly port: number;
  /** The dashboard or console, where that is known. */
  readonly part: string | undefined;
  readonly from: number;
  readonly until: number;
}

/** All that was done, by which is told what was touched by it and what was not. */
export class Hits {
  readonly #hits: Hit[] = [];

  begin(part: string, clients?: ReadonlySet<number>): Hit {
    const from = performance.now();
    const hit: Hit = { part, from, until: Number.POSITIVE_INFINITY, ...(clients && { clients }) };
    this.#hits.push(hit);
    return hit;
  }

  /** Whether anything was done, while it lasted, to what this went through. */
  touched({ gateway, port, part, from, until }: Course): boolean {
    return this.#hits.some(
      (hit) =>
        (hit.part === part || (hit.part === gateway && (hit.clients?.has(port) ?? true))) &&
        from <= hit.until &&
        until >= hit.from,
    );
  }
}
