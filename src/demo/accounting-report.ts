import { addressAttribute, type Attribute, integerAttribute, textAttribute } from '../protocols/radius/attribute.ts';
import { acctStatusType, attributeType } from '../protocols/radius/dictionary.ts';
import { encodeAccountingRequest } from '../protocols/radius/encode-request.ts';

/** What an access point reports about one session of one station. */
export type AccountingReport = {
  readonly status: keyof typeof statuses;
  readonly mac: string;
  readonly sessionId: string;
  readonly userName?: string;
  /** The BSSID of the radio; with the SSID it makes the Called-Station-Id (RFC 3580, section 3.20). */
  readonly accessPoint?: string;
  readonly ssid?: string;
  readonly nasAddress?: string;
  readonly durationSeconds?: number;
  /** In both directions since the session began; access points count them apart. */
  readonly octets?: number;
  /** Epoch seconds, where the access point keeps time. */
  readonly eventTimestamp?: number;
  readonly delaySeconds?: number;
};

const statuses = {
  start: acctStatusType.start,
  interim: acctStatusType.interimUpdate,
  stop: acctStatusType.stop,
} as const;

const WIRELESS_802_11 = 19;
const USER_REQUEST = 1;
const GIGAWORD = 0x1_0000_0000;
/** A network is mostly read: of what a phone moves, about this share goes up. */
const UPLOAD_SHARE = 0.1;

/** The datagram that carries a report, with the attributes that access points send. */
export function encodeReport(report: AccountingReport, identifier: number, secret: Buffer): Buffer {
  const { accessPoint = '00-00-5E-00-53-F0', ssid = 'Members', nasAddress = '192.0.2.10' } = report;
  const attributes: Attribute[] = [
    integerAttribute(attributeType.acctStatusType, statuses[report.status]),
    textAttribute(attributeType.acctSessionId, report.sessionId),
    textAttribute(attributeType.userName, report.userName ?? report.mac.toLowerCase().replaceAll('-', '')),
    textAttribute(attributeType.callingStationId, report.mac),
    textAttribute(attributeType.calledStationId, `${accessPoint}:${ssid}`),
    addressAttribute(attributeType.nasIpAddress, nasAddress),
    integerAttribute(attributeType.nasPortType, WIRELESS_802_11),
    integerAttribute(attributeType.acctDelayTime, report.delaySeconds ?? 0),
  ];
  if (report.eventTimestamp !== undefined)
    attributes.push(integerAttribute(attributeType.eventTimestamp, report.eventTimestamp));
  if (report.status !== 'start') attributes.push(...counters(report));
  if (report.status === 'stop') attributes.push(integerAttribute(attributeType.acctTerminateCause, USER_REQUEST));
  return encodeAccountingRequest({ identifier, attributes, secret });
}

function counters(report: AccountingReport): readonly Attribute[] {
  const up = Math.floor((report.octets ?? 0) * UPLOAD_SHARE);
  const down = (report.octets ?? 0) - up;
  return [
    integerAttribute(attributeType.acctSessionTime, report.durationSeconds ?? 0),
    integerAttribute(attributeType.acctInputOctets, up % GIGAWORD),
    integerAttribute(attributeType.acctOutputOctets, down % GIGAWORD),
    integerAttribute(attributeType.acctInputGigawords, Math.floor(up / GIGAWORD)),
    integerAttribute(attributeType.acctOutputGigawords, Math.floor(down / GIGAWORD)),
  ];
}
