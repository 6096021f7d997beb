// The npm tool as a filter: `keygen`, `seal RECIPIENT` and `open IDENTITY`, from standard input to output.
import { readFileSync, writeSync } from "node:fs";
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";

const [command, key] = process.argv.slice(2);

function write(bytes) {
    for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

if (command === "keygen") {
    const identity = await generateHybridIdentity();
    write(Buffer.from(`${identity}\n${await identityToRecipient(identity)}\n`));
} else if (command === "seal") {
    const encrypter = new Encrypter();
    encrypter.addRecipient(key);
    write(await encrypter.encrypt(readFileSync(0)));
} else if (command === "open") {
    const decrypter = new Decrypter();
    decrypter.addIdentity(key);
    write(await decrypter.decrypt(readFileSync(0)));
} else {
    process.exit(2);
}
