/** What a device is, as its owner or an admin says. */
export const deviceClasses = ['phone', 'laptop', 'watch', 'tablet', 'stationary', 'other'] as const;
export type DeviceClass = (typeof deviceClasses)[number];

export function toDeviceClass(text: string | null): DeviceClass | undefined {
  return deviceClasses.find((known) => known === text);
}
