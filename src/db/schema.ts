import type { Generated } from 'kysely';

/**
 * The tables of the ledger as Kysely sees them. The same on SQLite and PostgreSQL: instants are epoch milliseconds in
 * an integer column, truths are 0 or 1, lists are JSON text, so that no driver converts anything on the way.
 */
export type Schema = {
  readonly customers: CustomerTable;
  readonly identities: IdentityTable;
  readonly devices: DeviceTable;
  readonly device_addresses: DeviceAddressTable;
  readonly device_conflicts: DeviceConflictTable;
  readonly passes: PassTable;
  readonly visits: VisitTable;
  readonly check_ins: CheckInTable;
  readonly events: EventTable;
  readonly counters: CounterTable;
  readonly changes: ChangeTable;
  readonly tokens: TokenTable;
  readonly idempotency_keys: IdempotencyKeyTable;
  readonly settings: SettingTable;
  readonly privacy_choices: PrivacyChoiceTable;
  readonly erasures: ErasureTable;
  readonly audit: AuditTable;
  readonly audit_subjects: AuditSubjectTable;
  readonly audit_anchor: AuditAnchorTable;
};

/** Epoch milliseconds. */
export type Instant = number;

/** SQLite has no boolean, and PostgreSQL's would come back as another JavaScript type. */
export type Truth = 0 | 1;

/** JSON, as text. */
export type Json = string;

export type CustomerTable = {
  id: string;
  name: string;
  email: string | null;
  plan_id: string | null;
  active: Truth;
  /** Null while nobody said; then `privacy.optIn` decides. */
  opted_in: Truth | null;
  share_name: Truth;
  /** The customer's own key, wrapped by the master key. Without it nothing sealed for this customer opens again. */
  data_key: string;
  created_at: Instant;
  updated_at: Instant;
};

export type IdentityTable = {
  /** Folded by `foldIdentity`: identities compare without case. */
  identity: string;
  /** As it was registered, for spaces whose network tells `Mia` from `mia`. */
  spelling: string;
  customer_id: string;
};

export type DeviceTable = {
  id: string;
  customer_id: string;
  name: string | null;
  class: string | null;
  /** `identity`: nobody registered it, the network showed it under the customer's identity. */
  origin: Generated<'registered' | 'identity'>;
  created_at: Instant;
  updated_at: Instant;
};

export type DeviceAddressTable = {
  /** Keyed hash of the MAC address, see `AddressVault`. */
  hash: string;
  /** Keyed hash of the last two octets, for search by the digits printed on a label. */
  tail_hash: string;
  device_id: string;
  /** The MAC address, sealed under the customer's key. */
  sealed: string;
  created_at: Instant;
  /** Set when the device went on to another address; it still finds the device, until it is retired. */
  superseded_at: Instant | null;
  /** Set when the device has moved on to another address; a retired one finds nobody. */
  retired_at: Instant | null;
};

/** Two customers claim one device. One row for each two of them and each device, however often it happens. */
export type DeviceConflictTable = {
  id: string;
  device_id: string;
  /** To whom it is registered. */
  holder_id: string;
  /** Whom the network authenticated on it, or who has claimed it. */
  claimant_id: string;
  kind: 'identity' | 'claim';
  first_at: Instant;
  last_at: Instant;
  settled_at: Instant | null;
  settlement: string | null;
};

export type PassTable = {
  id: string;
  customer_id: string;
  kind: string;
  amount: number | null;
  valid_from: Instant | null;
  valid_until: Instant | null;
  /** Null: valid in every space. */
  space_ids: Json | null;
  created_at: Instant;
  revoked_at: Instant | null;
  /** How many check-ins by this pass retention has deleted, and how long they lasted together. */
  past_uses: Generated<number>;
  past_ms: Generated<number>;
};

export type VisitTable = {
  id: string;
  customer_id: string;
  space_id: string;
  arrived_at: Instant;
  last_activity_at: Instant;
  /** When the departure was decided; null while the visit is open. */
  departed_at: Instant | null;
  reason: string | null;
  /** Of the transition that this is the state of. */
  revision: number;
  /** What was observed, see `checkins/runs.ts`; emptied when it is old. */
  runs: Json;
};

export type CheckInTable = {
  id: string;
  customer_id: string;
  space_id: string;
  /** Null when no network saw the customer, e.g. a check-in by the front desk. */
  visit_id: string | null;
  state: 'open' | 'closed' | 'failed' | 'void';
  method: string;
  methods: Json;
  started_at: Instant;
  ended_at: Instant | null;
  last_activity_at: Instant;
  detected_at: Instant | null;
  check_out_method: string | null;
  check_out_reason: string | null;
  failure_reason: string | null;
  pass_id: string | null;
  plan_id: string | null;
  device_ids: Json;
  created_at: Instant;
  updated_at: Instant;
};

export type EventTable = {
  /** Gapless, in the order of commits. */
  sequence: number;
  /** Stable for ever. */
  id: string;
  type: string;
  at: Instant;
  customer_id: string | null;
  space_id: string | null;
  check_in_id: string | null;
  data: Json;
};

/** The highest number handed out under a name. The row's lock orders all who need the next one. */
export type CounterTable = {
  name: CounterName;
  value: number;
};

export type CounterName = 'events' | 'changes' | 'audit';

/** What nodes read to keep their copies of the registry fresh. */
export type ChangeTable = {
  sequence: number;
  kind: ChangeKind;
  key: string;
  at: Instant;
};

/**
 * For `address` the key is the row's own key, so that a reader can also learn that the row is gone. For `identity` it is the
 * customer, since an identity is a name. `everything`: what changed is not to be told any more; load all again.
 */
export type ChangeKind =
  | 'customer'
  | 'identity'
  | 'device'
  | 'address'
  | 'pass'
  | 'token'
  | 'space'
  | 'setting'
  | 'everything';

export type TokenTable = {
  id: string;
  hash: string;
  role: string;
  name: string;
  space_ids: Json | null;
  customer_id: string | null;
  created_at: Instant;
  expires_at: Instant | null;
  last_used_at: Instant | null;
  revoked_at: Instant | null;
};

export type IdempotencyKeyTable = {
  token_id: string;
  key: string;
  /** Hash over method, path and body: the same key with another request is a mistake of the caller. */
  request_hash: string;
  /** Null while the first request is still at work. */
  status: number | null;
  body: string | null;
  created_at: Instant;
};

/** Of those who have chosen something; no row: nothing of it. */
export type PrivacyChoiceTable = {
  customer_id: string;
  /** Not to be named to everybody. */
  hidden: Truth;
  /** Until then nothing is kept of them. */
  paused_until: Instant | null;
  /** When they opted in again, or took a pause back: what was seen before does not count. */
  tracked_since: Instant | null;
};

export type ErasureTable = {
  /** Keyed hash of the customer's id, see `AddressVault.erasedHash`. */
  hash: string;
  /** Null once nothing is left that has to be found by it. */
  customer_id: string | null;
  asked_at: Instant;
  /** When nothing of them was left anywhere. */
  done_at: Instant | null;
};

/** Who changed or looked up what. Append-only: the database itself refuses to change a line (see 0007-audit). */
export type AuditTable = {
  /** Gapless, in the order of commits. */
  sequence: number;
  at: Instant;
  /** The id of a token; `config` for the token of the configuration, `console` for a command, `system` for nobody's call. */
  actor: string;
  actor_role: string;
  action: string;
  /** Keyed hash of the customer's id, see `audit_subjects`. */
  subject: string | null;
  /** Of a device, a pass, a check-in, a token; never an address. */
  object_id: string | null;
  space_id: string | null;
  outcome: string;
  /** What was given, sealed under the customer's own key. */
  sealed: string | null;
  /** Of the line before this one. */
  previous_hash: string;
  /** Over everything above, by a key that is not in the database. */
  hash: string;
};

export type AuditSubjectTable = {
  subject: string;
  customer_id: string;
};

export type AuditAnchorTable = {
  id: number;
  sequence: number;
  hash: string;
  /** Keyed hash over both: only the service can have moved it. */
  proof: string;
};

export type SettingTable = {
  key: string;
  value: string;
};
