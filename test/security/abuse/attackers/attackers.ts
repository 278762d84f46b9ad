import { abortHandshakes, renegotiate, shakeHands, stopInHello } from './handshakes.ts';
import { idleAfterRequest, sayNothing, sayNothingSecured } from './idle.ts';
import type { Attacker } from './order.ts';
import { bombHeaders, compressNothing, pipeline, tinyChunks } from './requests.ts';
import { idleWebsockets, tinyFrames } from './websockets.ts';

/** What the attacks of our own do, by name. */
export const ATTACKERS: Readonly<Record<string, (attacker: Attacker) => void>> = {
  'silent-tcp': sayNothing,
  'silent-tls': sayNothingSecured,
  'half-hello': stopInHello,
  handshakes: shakeHands,
  'aborted-handshakes': abortHandshakes,
  renegotiation: renegotiate,
  'idle-keep-alive': idleAfterRequest,
  'idle-websockets': idleWebsockets,
  'header-bombs': bombHeaders,
  pipelining: pipeline,
  'compressed-nothing': compressNothing,
  'tiny-chunks': tinyChunks,
  'tiny-frames': tinyFrames,
};
