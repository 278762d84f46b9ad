import { createHash } from 'node:crypto';
import { outputOf } from './program.ts';
import type { Release } from './release.ts';

/** A software bill of materials (CycloneDX) of what the lock file names for production, by npm. */
export function billOfMaterials(root: string, { version, epoch }: Release): string {
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const bill = JSON.parse(outputOf('npm', args, root));
  // What npm makes up anew each time, and which npm that was.
  bill.serialNumber = '';
  bill.metadata.timestamp = new Date(epoch * 1000).toISOString();
  delete bill.metadata.tools;
  // It takes the name of the folder.
  bill.metadata.component.name = 'dashgate';
  const text = JSON.stringify(bill).replaceAll(
    `dashgate@${bill.metadata.component.version}`,
    `dashgate@${version}`,
  );
  const renamed = JSON.parse(text);
  renamed.metadata.component.version = version;
  renamed.serialNumber = `urn:uuid:${uuidOf(text)}`;
  return `${JSON.stringify(renamed, null, 2)}\n`;
}

/** A UUID that follows from a text (version 8 of RFC 9562). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
