// What the import of nothing takes.
export {};
