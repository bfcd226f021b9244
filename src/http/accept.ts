/** Whether a caller names the media type in `Accept`. Ranges such as a browser's own are not taken for it. */
export function asksFor(accept: string | undefined, type: string): boolean {
  return accept?.split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === type) === true;
}
