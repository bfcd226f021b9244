/** Numbers of the protocol, named as their documents name them. Only what something here reads or writes. */

/** RFC 2866, section 3; RFC 5997, section 2. */
export const packetCode = { accountingRequest: 4, accountingResponse: 5, statusServer: 12 } as const;

/** RFC 2865, 2866, 2869, 3162, 4372, 6911. */
export const attributeType = {
  userName: 1,
  nasIpAddress: 4,
  framedIpAddress: 8,
  class: 25,
  vendorSpecific: 26,
  calledStationId: 30,
  callingStationId: 31,
  nasIdentifier: 32,
  proxyState: 33,
  acctStatusType: 40,
  acctDelayTime: 41,
  acctInputOctets: 42,
  acctOutputOctets: 43,
  acctSessionId: 44,
  acctSessionTime: 46,
  acctTerminateCause: 49,
  acctInputGigawords: 52,
  acctOutputGigawords: 53,
  eventTimestamp: 55,
  nasPortType: 61,
  messageAuthenticator: 80,
  chargeableUserIdentity: 89,
  nasIpv6Address: 95,
  framedIpv6Address: 168,
} as const;

/** RFC 2866, section 5.1; 9 to 14 are tunnels (RFC 2867), which say nothing about a station. */
export const acctStatusType = { start: 1, stop: 2, interimUpdate: 3, accountingOn: 7, accountingOff: 8 } as const;

/** A vendor's attribute: the enterprise number and the type within it. */
export type VendorAttribute = { readonly vendor: number; readonly type: number };

export const vendorAttribute = {
  ciscoAvPair: { vendor: 9, type: 1 },
  threeComSsid: { vendor: 43, type: 6 },
  symbolCurrentEssid: { vendor: 388, type: 2 },
  siemensSsid: { vendor: 4329, type: 5 },
  fortinetSsid: { vendor: 12_356, type: 7 },
  trapezeSsid: { vendor: 14_525, type: 5 },
  arubaEssidName: { vendor: 14_823, type: 5 },
  arubaLocationId: { vendor: 14_823, type: 6 },
  mikrotikHostIp: { vendor: 14_988, type: 10 },
  ruckusSsid: { vendor: 25_053, type: 3 },
  merakiDeviceName: { vendor: 29_671, type: 1 },
  merakiApName: { vendor: 29_671, type: 3 },
} as const satisfies Record<string, VendorAttribute>;
