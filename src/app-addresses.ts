import type { IpAddress } from './observation/ip-address.ts';
import type { ObservationSink } from './observation/observation.ts';
import type { AddressBook } from './presence/address-book.ts';
import { findStation, type CallingStation } from './presence/calling-station.ts';
import { findNeighbour } from './sources/arp/neighbour-table.ts';

/** Lets the address book read what passes on its way to `sink`. */
export function noted(sink: ObservationSink, book: AddressBook): ObservationSink {
  return {
    observe(observation, done) {
      book.note(observation);
      sink.observe(observation, done);
    },
  };
}

/** Which station has an address: by what the sources have said, and by this host's own neighbour table. */
export function createFindStation(book: AddressBook): (address: IpAddress) => Promise<CallingStation> {
  return (address) => findStation({ book, neighbour: (one) => findNeighbour(one) }, address);
}
