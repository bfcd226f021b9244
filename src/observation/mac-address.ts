/** A station's 48-bit address in the one spelling used everywhere: `00-00-5E-00-53-01` (RFC 7042, upper case, dashes). */
export type MacAddress = string & { readonly __brand: 'MacAddress' };
