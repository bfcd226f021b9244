import type { ApiClient } from './api-client.ts';

/** A ledger entry as `GET /v1/check-ins` shows it; the part that stories ask for. */
export type CheckIn = {
  readonly id: string;
  readonly customerId: string;
  readonly spaceId: string;
  readonly state: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly lastActivityAt: string;
  readonly detectedAt: string | null;
  readonly checkOutReason: string | null;
};

type Page = { readonly items: readonly CheckIn[]; readonly nextCursor: string | null };

export async function allCheckIns(api: ApiClient): Promise<readonly CheckIn[]> {
  const found: CheckIn[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await api.get(`/v1/check-ins?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`);
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
}

export async function checkInsOf(api: ApiClient, customerId: string): Promise<readonly CheckIn[]> {
  return (await api.get<Page>(`/v1/check-ins?limit=500&customerId=${customerId}`)).items;
}
