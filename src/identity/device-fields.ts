/** An id as customers have it, folded to lower case. */
export const customerIdPattern = /^[a-z0-9][a-z0-9._@+-]{0,127}$/;

/** Of a device's name, in UTF-16 units. */
export const longestDeviceName = 100;
