/** A virtual machine that the mock dashboard shows. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly address: string;
  readonly flavor: string;
}

export const INSTANCES: readonly Instance[] = [
  {
    id: '5d0f3c1e-8a52-4c0e-9f57-0d8b3c7a6e11',
    name: 'web-1',
    image: 'debian-12',
    address: '10.0.0.11',
    flavor: 'm1.small',
  },
  {
    id: 'b1a9e7d4-2f6c-4d3b-8c1a-7e5f9a0b4c22',
    name: 'web-2',
    image: 'debian-12',
    address: '10.0.0.12',
    flavor: 'm1.small',
  },
  {
    id: 'e83c6f20-94d7-4b1f-a2e8-1c6d5b9f0a33',
    name: 'database',
    image: 'ubuntu-24.04',
    address: '10.0.0.21',
    flavor: 'm1.large',
  },
];

/**
 * The address of an instance's console page as nova gives it out: the token travels inside the
 * parameter `path`, which noVNC makes the websocket's address of.
 */
export function consolePageUrl(consoleUrl: string, token: string, instance: Instance): string {
  const url = new URL(consoleUrl);
  url.searchParams.set('path', `?${new URLSearchParams({ token })}`);
  url.searchParams.set('title', `${instance.name} (${instance.id})`);
  url.searchParams.set('scale', 'true');
  return url.href;
}
