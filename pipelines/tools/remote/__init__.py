"""Tools of others: of MCP servers, and the operations of OpenAPI documents."""
