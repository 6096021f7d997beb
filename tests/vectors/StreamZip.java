import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads a zip from standard input as a stream, and prints CRC-32, size and name of every member. */
final class StreamZip {
    public static void main(String[] arguments) throws Exception {
        try (var zip = new ZipInputStream(System.in)) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
                var crc = new java.util.zip.CRC32();
                long size = 0;
                var buffer = new byte[65536];
                for (int count; (count = zip.read(buffer)) > 0; size += count) {
                    crc.update(buffer, 0, count);
                }
                System.out.printf("%08x %d %s%n", crc.getValue(), size, entry.getName());
            }
        }
    }
}
