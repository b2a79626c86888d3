/** What we use of Swagger UI, which comes without types. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface Asked {
    method?: string;
    headers: Record<string, string>;
  }

  export default function SwaggerUI(options: {
    domNode: HTMLElement | null;
    url: string;
    docExpansion: "none" | "list" | "full";
    filter: boolean;
    validatorUrl: string | null;
    requestInterceptor: (request: Asked) => Asked;
  }): unknown;
}
