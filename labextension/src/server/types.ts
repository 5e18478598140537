/** What the server's half answers. A test holds these beside its OpenAPI description. */

export interface Status {
  initialised: boolean;
  root: string;
  experiment: string;
  server: string;
  url: string;
  is_up: boolean;
  next: string;
}
