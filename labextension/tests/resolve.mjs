// The compiled modules import one another without an extension, as bundlers have it: Node is told how to read that.
import { register } from 'node:module';

const hook = `
export async function resolve(specifier, context, next) {
  return next(/^[.]{1,2}[/][^.]+$/.test(specifier) ? specifier + '.js' : specifier, context);
}`;
register('data:text/javascript,' + encodeURIComponent(hook));
