/** Who comes to the venue. All names are invented, all addresses are those set aside for documents (RFC 7042). */
export type Member = {
  readonly id: string;
  readonly name: string;
  readonly hasPass: boolean;
  readonly devices: readonly Device[];
};

export type Device = {
  readonly mac: string;
  readonly class: 'phone' | 'laptop';
  readonly name: string;
  /** 802.1X User-Name, where the device signs in with one. */
  readonly userName?: string;
};

export type AccessPoint = { readonly name: string; readonly bssid: string; readonly address: string };

export type Cast = {
  readonly members: readonly Member[];
  /** Devices that nobody registered: some stay, some only pass by. */
  readonly strangers: readonly Device[];
  readonly accessPoints: readonly [AccessPoint, ...AccessPoint[]];
};

const NAMES = [
  'Ada Brandt',
  'Bruno Falk',
  'Carla Nieves',
  'Dario Lunde',
  'Elif Sander',
  'Femke Adeyo',
  'Goran Pihl',
  'Hana Okoro',
  'Ivo Castell',
  'Jana Merrin',
  'Kofi Alder',
  'Lena Sorvino',
  'Mio Tanaka-Roth',
  'Nadia Quist',
  'Oskar Velde',
  'Petra Huang-Lind',
  'Quentin Abara',
  'Rosa Immerwahr',
  'Sami Koskela',
  'Tove Marchetti',
  'Umar Delacroix',
  'Vera Ndiaye-Holm',
];

/** The one whose pass nobody renewed. */
const WITHOUT_PASS = 'Quentin Abara';
const FIRST_STRANGER = 0xc0;
const STRANGERS = 24;

export function createCast(): Cast {
  return {
    members: NAMES.map((name, index) => createMember(name, index)),
    strangers: Array.from({ length: STRANGERS }, (_, index) => ({
      mac: documentationMac(FIRST_STRANGER + index),
      class: 'phone',
      name: 'someone passing by',
    })),
    accessPoints: [
      accessPoint('entrance', 1),
      accessPoint('studio', 2),
      accessPoint('loft', 3),
      accessPoint('kitchen', 4),
    ],
  };
}

/** Every second member brings a laptop as well, which signs in by name. */
function createMember(name: string, index: number): Member {
  const id = name.toLowerCase().replaceAll(' ', '-');
  const first = name.split(' ')[0] ?? name;
  const phone: Device = { mac: documentationMac(2 * index + 1), class: 'phone', name: `${first}'s phone` };
  const laptop: Device = {
    mac: documentationMac(2 * index + 2),
    class: 'laptop',
    name: `${first}'s laptop`,
    userName: `${id}@example.org`,
  };
  return { id, name, hasPass: name !== WITHOUT_PASS, devices: index % 2 === 0 ? [phone, laptop] : [phone] };
}

function accessPoint(name: string, n: number): AccessPoint {
  return { name, bssid: documentationMac(0xf0 + n), address: `192.0.2.${10 + n}` };
}

function documentationMac(n: number): string {
  return `00-00-5E-00-53-${n.toString(16).padStart(2, '0').toUpperCase()}`;
}
