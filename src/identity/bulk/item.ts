import { isPlainText, plainTextRule } from '../../runtime/plain-text.ts';
import { isMacSpelling, parseMacAddress, type MacAddress } from '../../observation/mac-address.ts';
import { deviceClasses, type DeviceClass } from '../device-class.ts';
import { customerIdPattern, longestDeviceName } from '../device-fields.ts';

/** One device of a file or a batch, as it shall be. What is undefined stays as it is. */
export type DeviceItem = {
  /** Where it stands: the line of a file, or the index in a batch. */
  readonly place: number;
  readonly mac: MacAddress;
  readonly customerId: string;
  readonly name: string | null | undefined;
  readonly class: DeviceClass | null | undefined;
};

/** The same as it comes: text of anybody's. */
export type RawItem = {
  readonly mac: string;
  readonly customerId: string;
  readonly name?: string | null | undefined;
  readonly class?: string | null | undefined;
};

export type Column = keyof RawItem;

/** Why a file, or one item, is not registered. The messages quote nothing of it, so that reports may be passed on. */
export type ItemError = {
  readonly place: number;
  readonly column: Column | null;
  readonly code: ItemErrorCode;
  readonly message: string;
};

/** What is wrong with the file, and with no row of it. */
const fileErrors = [
  'emptyFile',
  'headerMissing',
  'unknownColumn',
  'columnMissing',
  'columnRepeated',
  'fileTooLarge',
  'tooManyRows',
  'lineTooLong',
] as const;

export function isAboutRow({ code }: ItemError): boolean {
  return !fileErrors.some((each) => each === code);
}

export type ItemErrorCode =
  | (typeof fileErrors)[number]
  | 'notText'
  | 'notCsv'
  | 'tooManyCells'
  | 'invalidMac'
  | 'maskedMac'
  | 'notAStation'
  | 'invalidCustomerId'
  | 'invalidName'
  | 'unknownClass'
  | 'contradiction'
  | 'unknownCustomer'
  | 'deviceTaken'
  | 'deviceQuotaReached';

export function isItemError(result: DeviceItem | ItemError): result is ItemError {
  return 'code' in result;
}

/** Reads one device, or says what is wrong with it: the first thing that is. */
export function readItem(place: number, raw: RawItem): DeviceItem | ItemError {
  const refuse = (column: Column, code: ItemErrorCode, message: string): ItemError => ({
    place,
    column,
    code,
    message,
  });
  const mac = parseMacAddress(raw.mac.trim());
  if (mac === undefined) return refuse('mac', ...macFault(raw.mac.trim()));
  const customerId = raw.customerId.trim().toLowerCase();
  if (!customerIdPattern.test(customerId)) {
    const message =
      customerId === '' ? 'is empty; name whose device it is' : 'is no customer id: letters, digits and . _ @ + - only';
    return refuse('customerId', 'invalidCustomerId', message);
  }
  const name = raw.name?.trim();
  if (name !== undefined && !isPlainText(name)) return refuse('name', 'invalidName', plainTextRule);
  if (name !== undefined && (name === '' || name.length > longestDeviceName)) {
    const message = `must be 1 to ${longestDeviceName} characters on one line`;
    return refuse('name', 'invalidName', message);
  }
  const said = raw.class?.trim().toLowerCase();
  const known = said === undefined ? undefined : deviceClasses.find((each) => each === said);
  if (said !== undefined && known === undefined) {
    return refuse('class', 'unknownClass', `must be one of ${deviceClasses.join(', ')}`);
  }
  return {
    place,
    mac,
    customerId,
    name: raw.name === null ? null : name,
    class: raw.class === null ? null : known,
  };
}

function macFault(text: string): [ItemErrorCode, string] {
  if (text === '') return ['invalidMac', 'is empty; every device needs an address'];
  if (text.includes('•')) {
    return ['maskedMac', 'is masked; export with a token of the role admin or platform to get whole addresses'];
  }
  return isMacSpelling(text)
    ? ['notAStation', 'no device has this address: it is all zero, multicast or broadcast']
    : ['invalidMac', 'is not an address such as 00-00-5E-00-53-01'];
}
