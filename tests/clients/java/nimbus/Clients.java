// Runs the flows that are asked for, in this order, and names each that went well.
package example;

import java.util.Map;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.oauth2.sdk.id.Issuer;

public class Clients {
    interface Flow {
        void run() throws Exception;
    }

    /** The server, and what it has for us: JSON on standard input. */
    static final Map<String, Object> WORLD = world();
    static final Issuer ISSUER = new Issuer((String) WORLD.get("issuer"));
    static final String RESOURCE = (String) WORLD.get("resource");

    private static final Map<String, Flow> FLOWS = Map.of(
            "metadata", Tokens::metadata,
            "client_secret_basic", Tokens::clientSecretBasic,
            "client_secret_post", Tokens::clientSecretPost,
            "private_key_jwt", Tokens::privateKeyJwt,
            "api_key", Tokens::apiKey,
            "dpop", Tokens::dpop,
            "introspection", Tokens::introspection,
            "revocation", Tokens::revocation,
            "httpclient5", Form::byHttpClient5);

    public static void main(String[] flows) throws Exception {
        for (String name : flows) {
            FLOWS.get(name).run();
            System.out.println(name);
        }
    }

    private static Map<String, Object> world() {
        try {
            return JSONObjectUtils.parse(new String(System.in.readAllBytes(), "UTF-8"));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    /** What the world has at this place. */
    @SuppressWarnings("unchecked")
    static Map<String, Object> told(String... path) {
        Map<String, Object> found = WORLD;
        for (String name : path) {
            found = (Map<String, Object>) found.get(name);
        }
        return found;
    }

    static void check(boolean holds, Object otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
