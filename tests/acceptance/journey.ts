// A journey through the bookshop with a client typed by its document; it prints a line for each answer.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

declare const process: { argv: string[] };

const [address, token] = process.argv.slice(2);
if (address === undefined || token === undefined) throw new Error("give the address of the bookshop and a token");
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });

function say(line: string): void {
  console.log(line);
}

const stranger = createClient<paths>({ baseUrl: address });
const refused = await stranger.POST("/books", { body: { title: "Kalevala", author: "Elias Lönnrot" } });
if (refused.error?.status !== 401) throw new Error("not refused");
say(`${refused.response.status} ${refused.error.code}`);

const added = await client.POST("/books", { body: { title: "Kalevala", author: "Elias Lönnrot" } });
if (added.data === undefined) throw new Error(`not added: ${JSON.stringify(added.error)}`);
const book = added.data;
const id: number = book.id;
say(`${added.response.status} added ${book.title}`);

const changed = await client.PATCH("/books/{book_id}", { params: { path: { book_id: id } }, body: { stock: 3 } });
if (changed.data === undefined) throw new Error("not changed");
say(`${changed.response.status} changed to ${changed.data.stock} in stock`);

const ordered = await client.POST("/orders", { body: { book_id: id, copies: 2 } });
if (ordered.data === undefined) throw new Error("not ordered");
say(`${ordered.response.status} ordered ${ordered.data.copies} of ${ordered.data.title} for ${ordered.data.customer}`);

const tooMany = await client.POST("/orders", { body: { book_id: id, copies: 2 } });
if (tooMany.error?.status !== 409) throw new Error("not too many");
say(`${tooMany.response.status} ${tooMany.error.code}, ${tooMany.error.left} left`);

const missing = await client.GET("/books/{book_id}", { params: { path: { book_id: 9007199254740991 } } });
if (missing.error?.status !== 404) throw new Error("not missing");
const code: "not-found" = missing.error.code;
say(`${missing.response.status} ${code}`);

// @ts-expect-error The title is required: the compiler says so, and so does the server.
const invalid = await client.POST("/books", { body: { author: "Nobody" } });
if (invalid.error?.status !== 422) throw new Error("not invalid");
const fault = invalid.error.errors[0];
say(`${invalid.response.status} ${invalid.error.code} ${fault?.location} ${fault?.pointer} ${fault?.code}`);

const deleted = await client.DELETE("/books/{book_id}", { params: { path: { book_id: id } } });
say(`${deleted.response.status} ${deleted.error === undefined ? "deleted" : "failed"}`);
