import type { ConformanceCase } from './case.ts';
import { connections } from './cases/connections.ts';
import { fields } from './cases/fields.ts';
import { forwarding } from './cases/forwarding.ts';
import { interim } from './cases/interim.ts';
import { limits } from './cases/limits.ts';
import { methods } from './cases/methods.ts';
import { requestFraming } from './cases/request-framing.ts';
import { requestLine } from './cases/request-line.ts';
import { responseFraming } from './cases/response-framing.ts';
import { responseHead } from './cases/response-head.ts';
import { upgrades } from './cases/upgrade.ts';

/** Every case, by topic. */
export const TABLE: readonly ConformanceCase[] = [
  ...requestLine,
  ...fields,
  ...requestFraming,
  ...methods,
  ...responseHead,
  ...responseFraming,
  ...connections,
  ...forwarding,
  ...interim,
  ...upgrades,
  ...limits,
];
