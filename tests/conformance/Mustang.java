// Judges many files with Mustang in one Java process: one line of "path<TAB>report on one line" per file.
// Run: java -cp Mustang-CLI.jar Mustang.java < list-of-paths
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.mustangproject.validator.ZUGFeRDValidator;

public class Mustang {
    public static void main(String[] arguments) throws Exception {
        var answers = new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err); // what the library prints must not end up between the answers
        var paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String path; (path = paths.readLine()) != null; ) {
            var validator = new ZUGFeRDValidator();
            validator.disableNotices(); // they are about the German XRechnung
            var report = validator.validate(path);
            answers.println(path + "\t" + report.replaceAll("\\s+", " "));
        }
    }
}
